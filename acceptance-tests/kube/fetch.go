package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// gitRepository packs the files of a branch, tag or commit.
func (one *source) gitRepository(stop context.Context, object *unstructured.Unstructured) (artifact, error) {
	clone, revision, err := one.fetchGit(stop, object)
	if err != nil {
		return artifact{}, err
	}
	_, commit, _ := strings.Cut(revision, "sha1:")
	content, err := git(stop, clone, "archive", "--format=tar.gz", commit)
	return artifact{revision, content}, err
}

// fetchGit brings a repository here and names what its reference points to, as Flux writes it: `main@sha1:…`.
func (one *source) fetchGit(stop context.Context, object *unstructured.Unstructured) (clone, revision string, err error) {
	remote, err := one.withLogin(stop, object)
	if err != nil {
		return "", "", err
	}
	clone = filepath.Join(one.dir, "git", object.GetNamespace(), object.GetName())
	if _, missing := os.Stat(clone); missing != nil {
		check(os.MkdirAll(clone, 0o755))
		check(exec.CommandContext(stop, "git", "init", "-q", "--bare", clone).Run())
	}
	if _, err = git(stop, clone, "fetch", "-q", "--force", remote, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"); err != nil {
		return "", "", err
	}
	commit, branch, tag := text(object, "spec", "ref", "commit"), text(object, "spec", "ref", "branch"), text(object, "spec", "ref", "tag")
	switch {
	case commit != "":
		return clone, "sha1:" + commit, nil
	case tag != "":
		branch = "refs/tags/" + tag + "^{commit}"
	case branch == "":
		branch = "master"
	}
	found, err := git(stop, clone, "rev-parse", branch)
	name := strings.TrimSuffix(strings.TrimPrefix(branch, "refs/tags/"), "^{commit}")
	return clone, name + "@sha1:" + strings.TrimSpace(string(found)), err
}

func git(stop context.Context, dir string, arguments ...string) ([]byte, error) {
	command := exec.CommandContext(stop, "git", append([]string{"-C", dir}, arguments...)...)
	command.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	var told bytes.Buffer
	command.Stderr = &told
	answer, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", arguments[0], err, strings.TrimSpace(told.String()))
	}
	return answer, nil
}

// withLogin gives a source's address with the user name and password of its Secret.
func (one *source) withLogin(stop context.Context, object *unstructured.Unstructured) (string, error) {
	address, name := text(object, "spec", "url"), text(object, "spec", "secretRef", "name")
	if name == "" {
		return address, nil
	}
	secrets := one.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"})
	secret, err := secrets.Namespace(object.GetNamespace()).Get(stop, name, meta.GetOptions{})
	if err != nil {
		return "", err
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	value := func(key string) string {
		decoded, _ := base64.StdEncoding.DecodeString(text(secret, "data", key))
		return string(decoded)
	}
	parsed.User = url.UserPassword(value("username"), value("password"))
	return parsed.String(), nil
}

// helmRepository fetches an index.
func (one *source) helmRepository(stop context.Context, object *unstructured.Unstructured) (artifact, error) {
	address, err := one.withLogin(stop, object)
	if err != nil {
		return artifact{}, err
	}
	content, err := download(stop, strings.TrimSuffix(address, "/")+"/index.yaml")
	return artifact{fmt.Sprintf("index of %d bytes", len(content)), content}, err
}

func download(stop context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(stop, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", request.URL.Redacted(), answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// helmChart fetches the exact version that a chart of a HelmRepository names, or packs the folder of a GitRepository.
func (one *source) helmChart(stop context.Context, object *unstructured.Unstructured) (artifact, error) {
	kind := map[string]string{"GitRepository": "gitrepositories", "HelmRepository": "helmrepositories"}[text(object, "spec", "sourceRef", "kind")]
	if kind == "" {
		return artifact{}, errors.New("this stand-in knows charts of a GitRepository or HelmRepository alone")
	}
	from, err := one.of(kind, object.GetNamespace()).Get(stop, text(object, "spec", "sourceRef", "name"), meta.GetOptions{})
	if err != nil {
		return artifact{}, err
	}
	if kind == "gitrepositories" {
		return one.chartOfGit(stop, object, from)
	}
	return one.chartOfRepository(stop, object, from)
}

func (one *source) chartOfRepository(stop context.Context, object, from *unstructured.Unstructured) (artifact, error) {
	index, err := one.helmRepository(stop, from)
	if err != nil {
		return artifact{}, err
	}
	var parsed struct {
		Entries map[string][]struct {
			Version string
			URLs    []string
		}
	}
	if err := yaml.Unmarshal(index.content, &parsed); err != nil {
		return artifact{}, err
	}
	name, version := text(object, "spec", "chart"), text(object, "spec", "version")
	for _, entry := range parsed.Entries[name] {
		if entry.Version == version {
			address := must(one.withLogin(stop, from))
			content, err := download(stop, strings.TrimSuffix(address, "/")+"/"+entry.URLs[0])
			return artifact{version, content}, err
		}
	}
	return artifact{}, fmt.Errorf("no chart %s of version %s", name, version)
}

func (one *source) chartOfGit(stop context.Context, object, from *unstructured.Unstructured) (artifact, error) {
	clone, revision, err := one.fetchGit(stop, from)
	if err != nil {
		return artifact{}, err
	}
	_, commit, _ := strings.Cut(revision, "sha1:")
	tree := commit + ":" + strings.TrimPrefix(filepath.Clean(text(object, "spec", "chart")), "./")
	about, err := git(stop, clone, "show", tree+"/Chart.yaml")
	if err != nil {
		return artifact{}, err
	}
	var chart struct{ Name, Version string }
	if err := yaml.Unmarshal(about, &chart); err != nil {
		return artifact{}, err
	}
	packed, err := git(stop, clone, "archive", "--format=tar", "--prefix="+chart.Name+"/", tree)
	if err != nil {
		return artifact{}, err
	}
	version := chart.Version
	if text(object, "spec", "reconcileStrategy") == "Revision" {
		// As source-controller does: helm-controller goes by the version alone.
		version += "+" + commit[:12]
	}
	content, err := withVersion(packed, chart.Name+"/Chart.yaml", version)
	return artifact{version, content}, err
}

// withVersion writes another version into the Chart.yaml of a chart.
func withVersion(packed []byte, about, version string) ([]byte, error) {
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	reader, writer := tar.NewReader(bytes.NewReader(packed)), tar.NewWriter(zipped)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			return nil, err
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if header.Name == about {
			var fields map[string]any
			if err := yaml.Unmarshal(content, &fields); err != nil {
				return nil, err
			}
			fields["version"] = version
			content = must(yaml.Marshal(fields))
			header.Size = int64(len(content))
		}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(content); err != nil {
			return nil, err
		}
	}
	err := errors.Join(writer.Close(), zipped.Close())
	return out.Bytes(), err
}
