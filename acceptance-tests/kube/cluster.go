package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"time"
)

// One API server with its own certificate authority, and what runs beside it.
type cluster struct {
	name, dir, server, kubeconfig string
	client                        *http.Client
	children                      []*exec.Cmd
}

// newCluster writes keys, starts the API server and returns before it answers. Beside the kubeconfig, whose user is a
// cluster administrator, its folder holds what journeys need for other ways in: pki/ca.crt, pki/admin.{crt,key},
// admin.token (same rights) and viewer.token (a user without any rights, in the group `viewers`).
func newCluster(root, name, etcd string) *cluster {
	dir := filepath.Join(root, name)
	authority := newAuthority()
	pki := func(file string) string { return filepath.Join(dir, "pki", file) }
	ca := write(pki("ca.crt"), authority.pem)
	serverCert, serverKey := authority.issue(serverTemplate())
	adminCert, adminKey := authority.issue(template("admin", "system:masters"))
	write(pki("admin.crt"), adminCert)
	write(pki("admin.key"), adminKey)
	accountKey, accountPublic := newKeyPair()
	write(pki("accounts.key"), accountKey)
	adminToken, viewerToken := randomToken(), randomToken()
	write(filepath.Join(dir, "admin.token"), []byte(adminToken))
	write(filepath.Join(dir, "viewer.token"), []byte(viewerToken))
	tokens := fmt.Sprintf("%s,token-admin,token-admin,system:masters\n%s,viewer,viewer,viewers\n", adminToken, viewerToken)
	port := freePort()
	one := &cluster{name: name, dir: dir, server: fmt.Sprintf("https://127.0.0.1:%d", port)}
	one.kubeconfig = write(filepath.Join(dir, "kubeconfig"), one.writeKubeconfig(authority.pem, adminCert, adminKey))
	one.children = append(one.children, start(dir, "kube-apiserver",
		"--etcd-servers="+etcd, "--etcd-prefix=/"+name,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
		"--tls-cert-file="+write(pki("server.crt"), serverCert), "--tls-private-key-file="+write(pki("server.key"), serverKey),
		"--client-ca-file="+ca, "--token-auth-file="+write(filepath.Join(dir, "tokens.csv"), []byte(tokens)),
		"--authorization-mode=RBAC", "--allow-privileged=true",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+write(pki("accounts.pub"), accountPublic),
		"--service-account-signing-key-file="+pki("accounts.key"),
		"--service-cluster-ip-range=10.0.0.0/24", "--endpoint-reconciler-type=none",
		// Without the node lifecycle controller nobody would take the taint of a new node away again.
		"--disable-admission-plugins=TaintNodesByCondition", "--profiling=false"))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority.pem)
	identity := must(tls.X509KeyPair(adminCert, adminKey))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{identity}}}
	one.client = &http.Client{Timeout: 2 * time.Second, Transport: transport}
	return one
}

func (one *cluster) writeKubeconfig(ca, cert, key []byte) []byte {
	encode := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
current-context: %[1]s
clusters:
- name: %[1]s
  cluster: {server: %[2]q, certificate-authority-data: %[3]s}
users:
- name: admin
  user: {client-certificate-data: %[4]s, client-key-data: %[5]s}
contexts:
- name: %[1]s
  context: {cluster: %[1]s, user: admin}
`, one.name, one.server, encode(ca), encode(cert), encode(key))
}

func (one *cluster) awaitReady(longest time.Duration) {
	for deadline := time.Now().Add(longest); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		answer, err := one.client.Get(one.server + "/readyz")
		if err != nil {
			continue
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return
		}
	}
	fail("the API server of %s is not ready; its log is in %s", one.name, one.dir)
}

func (one *cluster) startControllers(which string) {
	one.children = append(one.children, start(one.dir, "kube-controller-manager", append(one.commonArguments(),
		"--use-service-account-credentials=false", "--controllers="+which,
		"--service-account-private-key-file="+filepath.Join(one.dir, "pki", "accounts.key"),
		"--root-ca-file="+filepath.Join(one.dir, "pki", "ca.crt"))...))
}

func (one *cluster) startScheduler() {
	one.children = append(one.children, start(one.dir, "kube-scheduler", one.commonArguments()...))
}

func (one *cluster) commonArguments() []string {
	return []string{
		"--kubeconfig=" + one.kubeconfig, "--authentication-kubeconfig=" + one.kubeconfig,
		"--authorization-kubeconfig=" + one.kubeconfig, "--leader-elect=false",
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", freePort()),
	}
}

func (one *cluster) stop() {
	for _, child := range one.children {
		_ = child.Process.Kill()
		_ = child.Wait()
	}
}
