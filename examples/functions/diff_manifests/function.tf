locals {
  settings = <<-YAML
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: settings
      namespace: shop
    data:
      color: COLOR
  YAML
}

# { "v1/ConfigMap/shop/settings" = ["data.color: \"green\" → \"blue\""] }
output "changes" {
  value = provider::strata::diff_manifests(
    replace(local.settings, "COLOR", "green"),
    replace(local.settings, "COLOR", "blue"),
  )
}
