{{- define "mutated.instance" -}}
{{- $instance := mergeOverwrite (deepCopy .root.Values.defaults) (default dict .spec) -}}
{{- $_ := set $instance "name" .name -}}
{{- if not (hasKey $instance "enabled") }}{{ $_ := set $instance "enabled" true }}{{ end -}}
{{- $_ := set .root.Values.instances .name $instance -}}
{{- $instance | toYaml -}}
{{- end -}}
{{- define "mutated.init" -}}
{{- if not .Values.initialized -}}
{{- range $name, $spec := .Values.instances -}}
{{- $_ := include "mutated.instance" (dict "root" $ "name" $name "spec" $spec) -}}
{{- end -}}
{{- $_ := set .Values "initialized" true -}}
{{- end -}}
{{- end -}}
