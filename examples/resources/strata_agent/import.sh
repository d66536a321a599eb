# Takes over what `flux bootstrap` committed for a cluster: CLUSTER@REPOSITORY:PATH, where PATH is the folder that was given to
# bootstrap. Version, options and sync are read from the files.
terraform import strata_agent.flux prod-eu@clusters:clusters/prod-eu

# Takes over what is live in a cluster, installed by `flux install` or from manifests: CLUSTER or CLUSTER/NAMESPACE.
terraform import strata_agent.flux prod-eu
