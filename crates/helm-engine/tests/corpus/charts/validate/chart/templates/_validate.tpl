{{- define "validate.messages" -}}
{{- $messages := list -}}
{{- $messages = append $messages (include "validate.mode" .) -}}
{{- $messages = append $messages (include "validate.replicas" .) -}}
{{- $messages = without $messages "" -}}
{{- $message := join "\n" $messages -}}
{{- if $message -}}
{{-   printf "\nVALUES VALIDATION:\n%s" $message | fail -}}
{{- end -}}
{{- end -}}
{{- define "validate.mode" -}}
{{- if not (has .Values.mode (list "standalone" "cluster")) -}}
validate: mode
    Invalid mode "{{ .Values.mode }}".
{{- end -}}
{{- end -}}
{{- define "validate.replicas" -}}
{{- if and (eq .Values.mode "cluster") (lt (int .Values.replicas) 3) -}}
validate: replicas
    A cluster needs three, not {{ .Values.replicas }}.
{{- end -}}
{{- end -}}
