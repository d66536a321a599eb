{{ define "who" }}top _a{{ end }}
