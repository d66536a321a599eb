// Records what the Go libraries behind Helm answer to the cases on standard input.
//
// A case is a line of JSON with "mode" and "in" (or "in64", base64, for what is not UTF-8); the answer is the same line
// with "out" or "error". Run by ../record.sh.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"

	"github.com/BurntSushi/toml"
	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

type record struct {
	Mode  string  `json:"mode"`
	In    string  `json:"in,omitempty"`
	In64  string  `json:"in64,omitempty"`
	Out   *string `json:"out,omitempty"`
	Error string  `json:"error,omitempty"`
}

func read[T any](in []byte, into T, read func([]byte, any) error) ([]byte, error) {
	if err := read(in, &into); err != nil {
		return nil, err
	}
	return json.Marshal(into)
}

func pretty(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml3.NewEncoder(&out)
	encoder.SetIndent(2)
	err := encoder.Encode(v)
	return out.Bytes(), err
}

func fromYaml(in []byte, v any) error   { return yaml.Unmarshal(in, v) }
func fromStrict(in []byte, v any) error { return yaml.UnmarshalStrict(in, v) }

func answer(mode string, in []byte) ([]byte, error) {
	var value any
	switch mode {
	case "yaml":
		return read[any](in, nil, fromYaml)
	case "yaml map":
		return read(in, map[string]any{}, fromYaml)
	case "yaml list":
		return read(in, []any{}, fromYaml)
	case "yaml strict":
		return read(in, map[string]any{}, fromStrict)
	case "json":
		return read[any](in, nil, json.Unmarshal)
	case "text to yaml":
		return yaml.Marshal(string(in))
	case "key to yaml":
		return yaml.Marshal(map[string]any{string(in): 1})
	case "text to pretty yaml":
		return pretty(map[string]any{string(in): string(in)})
	}
	if err := json.Unmarshal(in, &value); err != nil {
		return nil, err
	}
	switch mode {
	case "json to yaml":
		return yaml.Marshal(value)
	case "json to pretty yaml":
		return pretty(value)
	case "json to toml":
		var out bytes.Buffer
		err := toml.NewEncoder(&out).Encode(value)
		return out.Bytes(), err
	}
	panic("unknown mode " + mode)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for lines.Scan() {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			panic(err)
		}
		in := []byte(r.In)
		if r.In64 != "" {
			in, _ = base64.StdEncoding.DecodeString(r.In64)
		}
		r.Out, r.Error = nil, ""
		if bytes, err := answer(r.Mode, in); err != nil {
			r.Error = err.Error()
		} else {
			text := string(bytes)
			r.Out = &text
		}
		out.Encode(r)
	}
}
