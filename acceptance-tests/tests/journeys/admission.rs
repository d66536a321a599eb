//! A cluster with policies of its own: what they change and refuse is told in the plan.

use serde_json::{Value, json};

use crate::site::{Site, site};

const ROOT: &str = "/apis/admissionregistration.k8s.io";

/// Finds the version in which a kind of policies is served.
fn served(site: &Site, kind: &str) -> Option<&'static str> {
    ["v1", "v1beta1"].into_iter().find(|version| {
        let served = site.cluster.get(&format!("{ROOT}/{version}")).unwrap_or_default();
        served["resources"].as_array().into_iter().flatten().any(|one| one["kind"] == kind)
    })
}

/// A policy and its binding to the namespace of a site; they go with this handle.
struct Policy<'a> {
    site: &'a Site,
    version: &'static str,
    kind: &'static str,
}

impl<'a> Policy<'a> {
    fn new(site: &'a Site, kind: &'static str, spec: Value, actions: Value) -> Self {
        let policy =
            Policy { site, version: served(site, kind).expect("the cluster knows such policies"), kind };
        let name = site.namespace.as_str();
        let object = |suffix: &str, spec: Value| {
            json!({"apiVersion": format!("admissionregistration.k8s.io/{}", policy.version),
            "kind": format!("{kind}{suffix}"), "metadata": {"name": name}, "spec": spec})
        };
        let mut whole = json!({"matchConstraints": {"resourceRules": [{"apiGroups": ["", "apps"], "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"], "resources": ["configmaps", "deployments"]}]}});
        for (field, value) in spec.as_object().expect("a map") {
            whole[field] = value.clone();
        }
        let mut bound = json!({"policyName": name, "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}});
        for (field, value) in actions.as_object().expect("a map") {
            bound[field] = value.clone();
        }
        site.cluster.create(&policy.collection("ies"), &object("", whole));
        site.cluster.create(&policy.collection("ybindings"), &object("Binding", bound));
        policy
    }

    fn collection(&self, plural: &str) -> String {
        let kind = self.kind.to_lowercase();
        format!("{ROOT}/{}/{}{plural}", self.version, kind.trim_end_matches('y'))
    }
}

impl Drop for Policy<'_> {
    fn drop(&mut self) {
        for plural in ["ybindings", "ies"] {
            self.site.cluster.delete(&format!("{}/{}", self.collection(plural), self.site.namespace));
        }
    }
}

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec:\n  selector: {matchLabels: {app: app}}\n  template:\n    metadata: {labels: {app: app}}\n    spec: {containers: [{name: app, image: 'app:1'}]}\n";

#[test]
fn what_a_policy_changes_is_told_in_the_plan_and_no_drift() {
    let site = site("wait = false");
    if served(&site, "MutatingAdmissionPolicy").is_none() {
        let version = site.cluster.get("/version").expect("it says its version");
        let minor = version["minor"].as_str().and_then(|minor| minor.parse::<u32>().ok());
        assert!(minor.is_some_and(|minor| minor < 36), "{version}: they are served unasked from 1.36 on");
        return;
    }
    let mirror = r#"object.kind != "Deployment" ? [] : [
        JSONPatch{op: "replace", path: "/spec/template/spec/containers/0/image", value: "mirror/" + object.spec.template.spec.containers[0].image}]"#;
    let label = r#"Object{metadata: Object.metadata{labels: {"team": "shop"}}}"#;
    let spec = json!({"reinvocationPolicy": "Never", "failurePolicy": "Fail", "mutations": [
        {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": label}},
        {"patchType": "JSONPatch", "jsonPatch": {"expression": mirror}}],
        "matchConditions": [{"name": "once", "expression": "!has(object.metadata.labels.team)"}]});
    site.workspace.write("chart/templates/app.yaml", DEPLOYMENT);
    let _policy = Policy::new(&site, "MutatingAdmissionPolicy", spec, json!({}));
    let plan = site.cluster.eventually("the policy", |_| {
        let plan = site.workspace.plan().expect_success();
        plan.stdout.contains("the cluster changes what release").then_some(plan.stdout)
    });
    for line in [
        "spec.template.spec.containers[app].image = \"mirror/app:1\" in place of \"app:1\"",
        "metadata.labels.team = \"shop\", added",
    ] {
        assert!(plan.contains(line), "{line} is not in\n{plan}");
    }
    assert!(!plan.contains("terminationMessagePath"), "a default is no news\n{plan}");
    site.workspace.apply().expect_success();
    let live = site.get("apps/v1/deployments", "app").expect("it is there");
    assert_eq!(live["spec"]["template"]["spec"]["containers"][0]["image"], "mirror/app:1");
    site.workspace.assert_nothing_to_do();
}

#[test]
fn nothing_is_told_of_defaults_unless_they_are_asked_for() {
    let site = site("wait = false");
    site.workspace.write("chart/templates/app.yaml", &PLAIN.replace("NAMESPACE", &site.namespace));
    let plan = site.workspace.plan().expect_success();
    assert!(!plan.stdout.contains("the cluster changes"), "{}", plan.stdout);
    site.workspace.replace("main.tf", "wait = false", "wait = false\n      preview = \"full\"");
    let plan = site.workspace.plan().expect_success();
    let line =
        "spec.template.spec.containers[app].terminationMessagePath = \"/dev/termination-log\", a default";
    assert!(plan.stdout.contains(line), "{}", plan.stdout);
    site.workspace.apply().expect_success();
    site.workspace.assert_nothing_to_do();
}

#[test]
fn nothing_is_told_of_what_rare_kinds_and_custom_ones_say_by_default() {
    let site = site("wait = false");
    let group = format!("{}.example.com", site.namespace);
    let item = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string", "default": "x"}}});
    let spec = json!({"type": "object", "properties": {"size": {"type": "integer", "default": 3}, "list": {"type": "array", "items": item}}});
    let schema = json!({"type": "object", "properties": {"spec": spec}});
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    site.cluster.create(definitions, &json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": format!("widgets.{group}")},
        "spec": {"group": group, "scope": "Namespaced", "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}}));
    let widget = format!(
        "---\napiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: w}}\nspec: {{list: [{{a: one}}]}}\n"
    );
    let rare = RARE.replace("NAMESPACE", &site.namespace);
    site.workspace.write("chart/templates/rare.yaml", &format!("{rare}{widget}"));
    site.cluster.eventually("the kind is served", |cluster| cluster.get(&format!("/apis/{group}/v1")));
    site.cluster.eventually("the account of pods", |_| site.get("serviceaccounts", "default"));
    let plan = site.workspace.plan().expect_success();
    assert!(!plan.stdout.contains("the cluster changes"), "{}", plan.stdout);
    site.workspace.replace("main.tf", "wait = false", "wait = false\n      preview = \"full\"");
    let plan = site.workspace.plan().expect_success();
    assert!(plan.stdout.contains("spec.list[0].b = \"x\", a default"), "{}", plan.stdout);
    site.cluster.delete(&format!("{definitions}/widgets.{group}"));
}

/// Kinds and parts of them that few charts have.
const RARE: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  initContainers: [{name: i, image: "x:1"}]
  containers:
  - name: c
    image: x
    livenessProbe: {httpGet: {port: 80}}
    readinessProbe: {grpc: {port: 80}}
    startupProbe: {tcpSocket: {port: 80}}
    lifecycle: {preStop: {httpGet: {port: 80}}}
    resources: {limits: {cpu: 1, example.com/gpu: 1}}
    env: [{name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}]
  topologySpreadConstraints: [{maxSkew: 1, topologyKey: x, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {a: b}}}]
  volumes:
  - {name: a, downwardAPI: {items: [{path: a, fieldRef: {fieldPath: metadata.name}}]}}
  - {name: b, projected: {sources: [{serviceAccountToken: {path: t}}]}}
  - {name: c, hostPath: {path: /x}}
  - {name: d, iscsi: {targetPortal: "1.2.3.4:3260", iqn: iqn.2001-04.com.example:storage, lun: 0}}
  - {name: e, rbd: {monitors: [a], image: b}}
  - {name: f, azureDisk: {diskName: a, diskURI: "https://a.blob.core.windows.net/b/c.vhd"}}
  - {name: g, scaleIO: {gateway: a, system: b, secretRef: {name: c}, volumeName: d}}
  - {name: h, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}}
  - {name: i, image: {reference: a}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: indexed}
spec: {completions: 3, completionMode: Indexed, backoffLimitPerIndex: 1, template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: policy}
spec: {podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: x, status: "True"}]}]}, template: {spec: {restartPolicy: Never, containers: [{name: c, image: x}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: balanced}
spec: {type: LoadBalancer, selector: {a: b}, ports: [{port: 80}], sessionAffinity: ClientIP}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: NAMESPACE}
spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, iscsi: {targetPortal: "1.2.3.4:3260", iqn: iqn.2001-04.com.example:storage, lun: 0}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: p}
spec: {limits: [{type: Container, max: {cpu: 2}, default: {memory: 1Gi}}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: NAMESPACE-more}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: p}
addressType: IPv4
endpoints: [{addresses: ["1.2.3.4"]}]
ports: [{port: 80}]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: NAMESPACE}
spec: {controller: example.com/c, parameters: {apiGroup: example.com, kind: X, name: x}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: p}
spec: {scaleTargetRef: {kind: Deployment, name: d, apiVersion: apps/v1}, maxReplicas: 3, behavior: {scaleUp: {stabilizationWindowSeconds: 3}}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: NAMESPACE}
provisioner: example.com/y
---
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {name: NAMESPACE}
spec: {}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: NAMESPACE}
spec: {priorityLevelConfiguration: {name: p}, rules: [{subjects: [{kind: User, user: {name: x}}], nonResourceRules: [{nonResourceURLs: ["/x"], verbs: ["*"]}]}]}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: {name: NAMESPACE}
spec: {type: Limited, limited: {limitResponse: {type: Queue, queuing: {}}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: NAMESPACE}
webhooks: [{name: a.b.c, failurePolicy: Ignore, sideEffects: None, admissionReviewVersions: [v1], rules: [{operations: [CREATE], apiGroups: [x.y], apiVersions: [v1], resources: [z]}], clientConfig: {service: {name: a, namespace: b}}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: NAMESPACE}
spec: {matchConstraints: {resourceRules: [{operations: [CREATE], apiGroups: [x.y], apiVersions: [v1], resources: [z]}]}, validations: [{expression: "true"}]}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.x.y}
spec: {group: x.y, version: v1, groupPriorityMinimum: 100, versionPriority: 10, service: {name: a, namespace: b}, insecureSkipTLSVerify: true}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NAMESPACE}
roleRef: {kind: ClusterRole, name: view}
subjects: [{kind: User, name: u}, {kind: ServiceAccount, name: p, namespace: NAMESPACE}]
"#;

/// One object of every common kind, written as charts write them.
const PLAIN: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 2
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}, annotations: {a: b}}
    spec:
      serviceAccountName: app
      initContainers: [{name: init, image: 'init:1'}]
      containers:
      - name: app
        image: app
        ports: [{name: http, containerPort: 80}]
        env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
        livenessProbe: {httpGet: {path: /, port: http}}
        readinessProbe: {tcpSocket: {port: 80}}
        resources: {requests: {cpu: 1000m, memory: 1024Mi}, limits: {cpu: 1}}
        volumeMounts: [{name: config, mountPath: /c}, {name: key, mountPath: /k}]
      volumes:
      - {name: config, configMap: {name: small}}
      - {name: key, secret: {secretName: key}}
      - {name: all, projected: {sources: [{configMap: {name: small}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: 'db:1'}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {hostNetwork: true, containers: [{name: agent, image: 'agent:1', ports: [{containerPort: 9100}]}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: night}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: work, image: 'work:1'}]}}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: work, image: 'work:1'}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {selector: {app: app}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside}
spec: {type: NodePort, selector: {app: app}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {a: b}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: app}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1024Mi}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: app}
spec: {rules: [{host: example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: app, port: {name: http}}}}]}}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: app}
spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: app}}}], ports: [{port: 80}]}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: app}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app}
  maxReplicas: 3
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: app}
spec: {minAvailable: 1, selector: {matchLabels: {app: app}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: app}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: app}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: app}
subjects: [{kind: ServiceAccount, name: app, namespace: NAMESPACE}]
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: NAMESPACE}
value: 1000
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: NAMESPACE}
webhooks:
- name: x.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  clientConfig: {service: {name: app, namespace: NAMESPACE}}
  rules: [{apiGroups: [example.com], apiVersions: [v1], operations: [CREATE], resources: [things]}]
"#;

#[test]
fn what_a_policy_refuses_is_told_with_policy_object_and_cluster() {
    let site = site("");
    let spec = json!({"validations": [{"expression": "object.metadata.name != 'small'", "message": "that name is taken"}]});
    let _policy =
        Policy::new(&site, "ValidatingAdmissionPolicy", spec, json!({"validationActions": ["Deny"]}));
    let told = site.cluster.eventually("the policy", |_| {
        let run = site.workspace.plan();
        (!run.succeeded).then(|| run.expect_failure())
    });
    let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = &site.namespace;
    for part in [
        format!("v1/ConfigMap/{name}/small cannot be applied"),
        "cluster one refused to apply".to_owned(),
        format!(
            "ValidatingAdmissionPolicy '{name}' with binding '{name}' denied request: that name is taken"
        ),
        "the cluster's own policy says no".to_owned(),
    ] {
        assert!(words.contains(&part), "{part} is not in\n{told}");
    }
}
