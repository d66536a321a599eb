package main

const helpers = `{{/* Expands the name of the chart. */}}
{{- define "bench.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "bench.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- define "bench.render" -}}
{{- if typeIs "string" .value -}}
{{- tpl .value .context -}}
{{- else -}}
{{- tpl (.value | toYaml) .context -}}
{{- end -}}
{{- end -}}
{{- define "bench.labels" -}}
{{- $default := dict "app.kubernetes.io/name" (include "bench.name" .context) "app.kubernetes.io/instance" .context.Release.Name "app.kubernetes.io/managed-by" .context.Release.Service "helm.sh/chart" (printf "%s-%s" .context.Chart.Name .context.Chart.Version | replace "+" "_") -}}
{{- if .context.Chart.AppVersion -}}
{{- $_ := set $default "app.kubernetes.io/version" .context.Chart.AppVersion -}}
{{- end -}}
{{- if .component -}}
{{- $_ := set $default "app.kubernetes.io/component" .component -}}
{{- end -}}
{{- include "bench.render" (dict "value" (merge (default dict .context.Values.commonLabels) $default) "context" .context) -}}
{{- end -}}
{{- define "bench.selector" -}}
app.kubernetes.io/name: {{ include "bench.name" .context }}
app.kubernetes.io/instance: {{ .context.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}
{{- define "bench.image" -}}
{{- $registry := .global.imageRegistry | default .image.registry -}}
{{- $tag := .image.tag | default "latest" | toString -}}
{{- if $registry -}}{{ printf "%s/%s:%s" $registry .image.repository $tag }}{{- else -}}{{ printf "%s:%s" .image.repository $tag }}{{- end -}}
{{- end -}}
`

const account = `{{- if .Values.serviceAccount.create }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "bench.fullname" . }}
  labels: {{- include "bench.labels" (dict "context" $) | nindent 4 }}
{{- end }}
`

const policies = `{{- if .Values.networkPolicy.enabled }}
apiVersion: {{ if .Capabilities.APIVersions.Has "networking.k8s.io/v1" }}networking.k8s.io/v1{{ else }}extensions/v1beta1{{ end }}
kind: NetworkPolicy
metadata:
  name: {{ include "bench.fullname" . }}
  labels: {{- include "bench.labels" (dict "context" $) | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/instance: {{ .Release.Name }}
  policyTypes: [Ingress]
{{- end }}
`

const componentValues = `# What COMPONENT runs.
COMPONENT:
  # Whether it is installed.
  enabled: true
  # How many pods run.
  replicaCount: 2
  image:
    registry: docker.io
    repository: example/COMPONENT
    tag: 1.2.3
    pullPolicy: IfNotPresent
  # Requests and limits.
  resources:
    limits: {cpu: 500m, memory: 256Mi}
    requests: {cpu: 100m, memory: 128Mi}
  service:
    type: ClusterIP
    port: 8080
    annotations:
      prometheus.io/scrape: "true"
      prometheus.io/port: "{{ .Values.COMPONENT.service.port }}"
  env:
    LOG_LEVEL: info
    LISTEN: ":{{ .Values.COMPONENT.service.port }}"
    TIMEOUT_SECONDS: 30
  config:
    server:
      name: "{{ .Release.Name }}"
      limits: {connections: 100, rate: 2.5}
    features: [metrics, tracing, profiling]
  nodeSelector: {}
  tolerations: []
  affinity: {}
  # Set to scale by CPU.
  autoscaling:
    enabled: true
    minReplicas: 2
    maxReplicas: 5
`

var componentTemplates = map[string]string{
	"deployment": `{{- $values := .Values.COMPONENT -}}
{{- if $values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ printf "%s-%s" (include "bench.fullname" .) "COMPONENT" | trunc 63 }}
  namespace: {{ .Release.Namespace | quote }}
  labels: {{- include "bench.labels" (dict "context" $ "component" "COMPONENT") | nindent 4 }}
spec:
  {{- if not $values.autoscaling.enabled }}
  replicas: {{ $values.replicaCount }}
  {{- end }}
  selector:
    matchLabels: {{- include "bench.selector" (dict "context" $ "component" "COMPONENT") | nindent 6 }}
  template:
    metadata:
      annotations:
        checksum/config: {{ include (print $.Template.BasePath "/COMPONENT/config.yaml") . | sha256sum }}
      labels: {{- include "bench.labels" (dict "context" $ "component" "COMPONENT") | nindent 8 }}
    spec:
      serviceAccountName: {{ include "bench.fullname" . }}
      {{- with $values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: COMPONENT
          image: {{ include "bench.image" (dict "image" $values.image "global" .Values.global) }}
          imagePullPolicy: {{ $values.image.pullPolicy | quote }}
          ports:
            - name: http
              containerPort: {{ $values.service.port }}
              protocol: TCP
          env:
            {{- range $key, $value := $values.env }}
            - name: {{ $key | upper }}
              value: {{ tpl (toString $value) $ | quote }}
            {{- end }}
          livenessProbe:
            httpGet: {path: /healthz, port: http}
            initialDelaySeconds: {{ mul 2 5 }}
          {{- if $values.resources }}
          resources: {{- toYaml $values.resources | nindent 12 }}
          {{- end }}
          volumeMounts:
            - name: config
              mountPath: /etc/COMPONENT
      volumes:
        - name: config
          configMap:
            name: {{ printf "%s-%s" (include "bench.fullname" .) "COMPONENT" | trunc 63 }}
{{- end }}
`,
	"service": `{{- $values := .Values.COMPONENT -}}
{{- if $values.enabled }}
apiVersion: v1
kind: Service
metadata:
  name: {{ printf "%s-%s" (include "bench.fullname" .) "COMPONENT" | trunc 63 }}
  labels: {{- include "bench.labels" (dict "context" $ "component" "COMPONENT") | nindent 4 }}
  {{- with $values.service.annotations }}
  annotations: {{- include "bench.render" (dict "value" . "context" $) | nindent 4 }}
  {{- end }}
spec:
  type: {{ $values.service.type }}
  ports:
    - port: {{ $values.service.port }}
      targetPort: http
      name: http
  selector: {{- include "bench.selector" (dict "context" $ "component" "COMPONENT") | nindent 4 }}
{{- end }}
`,
	"config": `{{- $values := .Values.COMPONENT -}}
{{- if $values.enabled }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ printf "%s-%s" (include "bench.fullname" .) "COMPONENT" | trunc 63 }}
  labels: {{- include "bench.labels" (dict "context" $ "component" "COMPONENT") | nindent 4 }}
data:
  config.yaml: |
    {{- include "bench.render" (dict "value" $values.config "context" $) | nindent 4 }}
  features.json: {{ $values.config.features | toJson | quote }}
{{- end }}
`,
	"autoscaler": `{{- $values := .Values.COMPONENT -}}
{{- if and $values.enabled $values.autoscaling.enabled }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ printf "%s-%s" (include "bench.fullname" .) "COMPONENT" | trunc 63 }}
  labels: {{- include "bench.labels" (dict "context" $ "component" "COMPONENT") | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ printf "%s-%s" (include "bench.fullname" .) "COMPONENT" | trunc 63 }}
  minReplicas: {{ $values.autoscaling.minReplicas }}
  maxReplicas: {{ $values.autoscaling.maxReplicas }}
{{- end }}
`,
}

const dashboardTemplate = `{{- if .Values.serviceAccount.create }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ printf "%s-%s" (include "bench.fullname" $) "NAME" | trunc 63 | trimSuffix "-" }}
  labels: {{- include "bench.labels" (dict "context" $) | nindent 4 }}
data:
  NAME.json: |-
    {"title": "NAME", "tags": ["generated"], "panels": [
PANELS
    ]}
{{- end }}
`

const panel = "    {\"id\": NUMBER, \"type\": \"graph\", \"targets\": [{\"expr\": \"sum(rate(http_requests_total{job=\\\"api\\\"}[5m])) by (code)\",\n" +
	"      \"legendFormat\": \"{{`{{code}}`}}\", \"refId\": \"A\"}], \"yaxes\": [{\"format\": \"short\", \"label\": null, \"min\": 0}],\n" +
	"      \"title\": \"Panel NUMBER of {{ .Release.Name }}\", \"gridPos\": {\"h\": 8, \"w\": 12, \"x\": 0, \"y\": NUMBER}}"
