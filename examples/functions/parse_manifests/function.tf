locals {
  objects = provider::strata::parse_manifests(<<-YAML
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: settings
      namespace: shop
    data:
      color: green
  YAML
  )
}

# ["v1/ConfigMap/shop/settings", "v1/Namespace/shop"]
output "keys" {
  value = keys(local.objects)
}

# "green"
output "color" {
  value = local.objects["v1/ConfigMap/shop/settings"].data.color
}
