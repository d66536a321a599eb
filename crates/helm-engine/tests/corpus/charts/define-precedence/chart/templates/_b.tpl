{{ define "who" }}top _b{{ end }}{{ define "only.b" }}b{{ end }}
