# REPOSITORY:PATH, the name of the provider's repository block and the release's folder in it
terraform import strata_release.web clusters:clusters/prod-eu/web

# CLUSTER/NAMESPACE/NAME, for a release that was delivered straight to its cluster, or that Helm installed there
terraform import strata_release.web prod-eu/shop/web
