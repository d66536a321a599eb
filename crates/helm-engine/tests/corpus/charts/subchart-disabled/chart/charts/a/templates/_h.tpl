{{ define "a.h" }}a{{ end }}
