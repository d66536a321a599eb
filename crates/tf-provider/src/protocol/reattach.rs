//! Debug mode: a provider started by hand, in a debugger say, that Terraform attaches to.

use super::handshake::PROTOCOL_VERSION;
use super::listener::Listener;

/// Returns what to tell the person who started the provider.
pub(crate) fn instructions(address: &str, listener: &Listener) -> String {
    let variable = variable(address, listener.network(), listener.address(), std::process::id());
    format!("The provider runs. For Terraform to use it, set:\n\n    TF_REATTACH_PROVIDERS='{variable}'\n\n")
}

fn variable(address: &str, network: &str, socket: &str, process: u32) -> String {
    let provider = serde_json::json!({
        "Protocol": "grpc",
        "ProtocolVersion": PROTOCOL_VERSION,
        "Pid": process,
        "Test": true,
        "Addr": { "Network": network, "String": socket },
    });
    serde_json::json!({ address: provider }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_process_and_socket_under_the_provider() {
        let json: serde_json::Value =
            serde_json::from_str(&variable("registry.terraform.io/a/b", "unix", "/tmp/s", 7)).expect("JSON");
        let provider = &json["registry.terraform.io/a/b"];
        assert_eq!(provider["Pid"], 7);
        assert_eq!(provider["ProtocolVersion"], 5);
        assert_eq!(provider["Addr"]["String"], "/tmp/s");
    }
}
