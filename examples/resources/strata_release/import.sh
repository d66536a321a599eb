# REPOSITORY:PATH, the name of the provider's repository block and the release's folder in it
terraform import strata_release.web clusters:clusters/prod-eu/web
