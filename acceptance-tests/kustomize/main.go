// Records what Kustomize does: the answers to patch cases, and the lists that its schema merges by key.
//
//	kustomize answers FILE.yaml...   writes FILE.answers.jsonl beside each file of cases
//	kustomize schema                 prints the types that hold lists which are merged by key
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"
)

// caseFile holds objects by name, and the questions about them.
type caseFile struct {
	Objects map[string]string `json:"objects"`
	Cases   []testCase        `json:"cases"`
}

// testCase is one question: the names of its objects, and the patches to apply to them.
type testCase struct {
	Name    string        `json:"name"`
	Of      []string      `json:"of"`
	Patches []types.Patch `json:"patches"`
}

// answer is what Kustomize makes of a case: objects, or a refusal.
type answer struct {
	Name    string `json:"name"`
	Objects []any  `json:"objects,omitempty"`
	Error   string `json:"error,omitempty"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 1 && arguments[0] == "schema" {
		return writeSchema(os.Stdout)
	}
	if len(arguments) > 1 && arguments[0] == "answers" {
		for _, path := range arguments[1:] {
			if err := record(path); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		return nil
	}
	return fmt.Errorf("usage: kustomize answers FILE.yaml... | kustomize schema")
}

func record(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var file caseFile
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		return err
	}
	seen := map[string]bool{}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for _, one := range file.Cases {
		if seen[one.Name] {
			return fmt.Errorf("two cases are named %q", one.Name)
		}
		seen[one.Name] = true
		if err := encoder.Encode(ask(file, one)); err != nil {
			return err
		}
	}
	return os.WriteFile(strings.TrimSuffix(path, ".yaml")+".answers.jsonl", out.Bytes(), 0o644)
}

func ask(file caseFile, one testCase) answer {
	var texts []string
	for _, name := range one.Of {
		texts = append(texts, file.Objects[name])
	}
	objects, err := build(strings.Join(texts, "---\n"), one.Patches)
	if err != nil {
		return answer{Name: one.Name, Error: err.Error()}
	}
	return answer{Name: one.Name, Objects: objects}
}

func build(objectsText string, patches []types.Patch) (objects []any, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("panic: %v", panicked)
		}
	}()
	files := filesys.MakeFsInMemory()
	kustomization := types.Kustomization{Resources: []string{"objects.yaml"}, Patches: patches}
	text, err := yaml.Marshal(kustomization)
	if err != nil {
		return nil, err
	}
	if err := files.WriteFile("kustomization.yaml", text); err != nil {
		return nil, err
	}
	if err := files.WriteFile("objects.yaml", []byte(objectsText)); err != nil {
		return nil, err
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, ".")
	if err != nil {
		return nil, err
	}
	rendered, err := built.AsYaml()
	if err != nil {
		return nil, err
	}
	return documents(rendered)
}

// documents reads the text as the API server's clients do.
func documents(text []byte) ([]any, error) {
	objects := []any{}
	for _, document := range strings.Split(string(text), "\n---\n") {
		asJSON, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			return nil, err
		}
		decoder := json.NewDecoder(bytes.NewReader(asJSON))
		decoder.UseNumber()
		var object any
		if err := decoder.Decode(&object); err != nil {
			return nil, err
		}
		if object != nil {
			objects = append(objects, object)
		}
	}
	return objects, nil
}

// field is a field below which lists are merged by key.
type field struct {
	keys   []string // of a merged list; empty for one of plain values
	merged bool
	target string // the definition of the value, or of the list's elements
}

// writeSchema prints a line for each kind, and one for each type that holds lists which are merged:
//
//	apps/v1 Deployment = 3
//	3 metadata:1 spec:4
//
// Behind a field stands the number of its type, `0` for one without such lists, and for a merged list its keys:
// `containers[name]:5`, `finalizers[]:0`.
func writeSchema(out io.Writer) error {
	openapi.ResetOpenAPI()
	definitions := openapi.Schema().Definitions
	types := reduce(definitions)
	number, names := numbers(types)
	var kinds []string
	for name := range types {
		for _, kind := range kindsOf(definitions[name]) {
			if openapi.SchemaForResourceType(kind) != nil {
				kinds = append(kinds, fmt.Sprintf("%s %s = %d", kind.APIVersion, kind.Kind, number[name]))
			}
		}
	}
	sort.Strings(kinds)
	fmt.Fprintln(out, strings.Join(kinds, "\n"))
	for at, name := range names {
		fmt.Fprintf(out, "%d %s\n", at+1, written(types[name], func(target string) string {
			return fmt.Sprint(number[target])
		}))
	}
	return nil
}

// numbers gives types with the same fields the same number, and a name of each.
func numbers(types map[string]map[string]field) (map[string]int, []string) {
	var all []string
	for name := range types {
		all = append(all, name)
	}
	sort.Strings(all)
	number, seen := map[string]int{}, map[string]int{}
	var names []string
	for _, name := range all {
		text := written(types[name], func(target string) string { return target })
		if seen[text] == 0 {
			names = append(names, name)
			seen[text] = len(names)
		}
		number[name] = seen[text]
	}
	return number, names
}

func written(fields map[string]field, target func(string) string) string {
	var all []string
	for path, field := range fields {
		keys := ""
		if field.merged {
			keys = "[" + strings.Join(field.keys, ",") + "]"
		}
		known := target(field.target)
		if known == "" {
			known = "0"
		}
		all = append(all, path+keys+":"+known)
	}
	sort.Strings(all)
	return strings.Join(all, " ")
}

// reduce keeps of each definition the fields below which lists are merged.
func reduce(definitions spec.Definitions) map[string]map[string]field {
	types := map[string]map[string]field{}
	for grown := true; grown; {
		grown = false
		for name, definition := range definitions {
			for path, property := range definition.Properties {
				if _, known := types[name][path]; known {
					continue
				}
				found, interesting := fieldOf(&property, types)
				if !interesting {
					continue
				}
				if types[name] == nil {
					types[name] = map[string]field{}
				}
				types[name][path], grown = found, true
			}
		}
	}
	return types
}

func fieldOf(property *spec.Schema, types map[string]map[string]field) (field, bool) {
	if property.AdditionalProperties != nil && property.AdditionalProperties.Schema != nil {
		if types[nameOf(property.AdditionalProperties.Schema)] != nil {
			panic("a map of types with merged lists: print it in another way")
		}
	}
	strategy, keys := (&openapi.ResourceSchema{Schema: property}).PatchStrategyAndKeyList()
	for _, part := range strings.Split(strategy, ",") {
		if part == "merge" && property.Items != nil {
			return field{keys: keys, merged: true, target: nameOf(property.Items.Schema)}, true
		}
	}
	target := nameOf(property)
	return field{target: target}, types[target] != nil
}

func nameOf(schema *spec.Schema) string {
	return strings.TrimPrefix(schema.Ref.String(), "#/definitions/")
}

func kindsOf(definition spec.Schema) (kinds []kyaml.TypeMeta) {
	listed, _ := definition.Extensions["x-kubernetes-group-version-kind"].([]any)
	for _, one := range listed {
		kind, _ := one.(map[string]any)
		version, _ := kind["version"].(string)
		if group, _ := kind["group"].(string); group != "" {
			version = group + "/" + version
		}
		name, _ := kind["kind"].(string)
		kinds = append(kinds, kyaml.TypeMeta{APIVersion: version, Kind: name})
	}
	return kinds
}
