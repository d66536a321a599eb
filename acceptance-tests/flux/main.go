// Records what Flux's own generator makes of the component files that Flux releases ship: the answers that the
// agent's generator is compared with. Run by .ci/flux; what it writes is cached outside the clone, never committed.
package main

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/fluxcd/flux2/v2/pkg/manifestgen"
	"github.com/fluxcd/flux2/v2/pkg/manifestgen/install"
	"github.com/fluxcd/flux2/v2/pkg/manifestgen/sourcesecret"
	"github.com/fluxcd/flux2/v2/pkg/manifestgen/sync"
)

// cases is what cases.json holds: questions to Flux's generator, by name.
type cases struct {
	// Cases that are asked for every version there is.
	EveryVersion []installCase `json:"every_version"`
	// Cases that are asked for the listed versions.
	SomeVersions []installCase `json:"some_versions"`
	Versions     []string      `json:"versions"`
	Sync         []syncCase    `json:"sync"`
	Secrets      []secretCase  `json:"secrets"`
}

type installCase struct {
	Name               string   `json:"name"`
	Namespace          string   `json:"namespace"`
	Components         []string `json:"components"`
	ComponentsExtra    []string `json:"components_extra"`
	Registry           *string  `json:"registry"`
	ImagePullSecret    string   `json:"image_pull_secret"`
	WatchAllNamespaces *bool    `json:"watch_all_namespaces"`
	NetworkPolicy      *bool    `json:"network_policy"`
	LogLevel           string   `json:"log_level"`
	ClusterDomain      string   `json:"cluster_domain"`
	TolerationKeys     []string `json:"toleration_keys"`
}

type syncCase struct {
	Name              string   `json:"name"`
	Namespace         string   `json:"namespace"`
	URL               string   `json:"url"`
	Path              string   `json:"path"`
	IntervalSeconds   int64    `json:"interval_seconds"`
	Branch            string   `json:"branch"`
	Tag               string   `json:"tag"`
	SemVer            string   `json:"semver"`
	Commit            string   `json:"commit"`
	RecurseSubmodules bool     `json:"recurse_submodules"`
	Provider          string   `json:"provider"`
	SparseCheckout    []string `json:"sparse_checkout"`
}

type secretCase struct {
	Name           string `json:"name"`
	Username       string `json:"username"`
	Password       string `json:"password"`
	BearerToken    string `json:"bearer_token"`
	CA             string `json:"certificate_authority"`
	AppID          string `json:"github_app_id"`
	InstallationID string `json:"github_app_installation_id"`
	AppOwner       string `json:"github_app_installation_owner"`
	AppKey         string `json:"github_app_private_key"`
	AppBaseURL     string `json:"github_app_base_url"`
}

func main() {
	if len(os.Args) != 5 {
		fail(fmt.Errorf("usage: flux CASES.json COMPONENTS.zip ARGOCD.zip FOLDER"))
	}
	text, err := os.ReadFile(os.Args[1])
	fail(err)
	var all cases
	fail(json.Unmarshal(text, &all))
	folder := os.Args[4]
	versions, err := unpack(os.Args[2], filepath.Join(folder, "components"))
	fail(err)
	fail(unpackOne(os.Args[3], "/manifests/install.yaml", filepath.Join(folder, "argocd", "install.yaml")))
	for _, version := range versions {
		for _, one := range all.EveryVersion {
			fail(recordInstall(folder, version, one))
		}
	}
	for _, version := range all.Versions {
		for _, one := range all.SomeVersions {
			fail(recordInstall(folder, version, one))
		}
	}
	for _, one := range all.Sync {
		fail(recordSync(folder, one))
	}
	for _, one := range all.Secrets {
		fail(recordSecret(folder, one))
	}
}

// unpack writes the component files of every version, config/data/flux/VERSION/FILE in the module, and names the versions.
func unpack(archive, folder string) ([]string, error) {
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var versions []string
	for _, file := range reader.File {
		_, name, found := strings.Cut(file.Name, "/config/data/flux/")
		if !found || path.Ext(name) != ".yaml" || strings.Count(name, "/") != 1 {
			continue
		}
		version := path.Dir(name)
		if len(versions) == 0 || versions[len(versions)-1] != version {
			versions = append(versions, version)
		}
		if err := write(file, filepath.Join(folder, filepath.FromSlash(name))); err != nil {
			return nil, err
		}
	}
	return versions, nil
}

// unpackOne writes the file of a module whose path in it is the shortest that ends so.
func unpackOne(archive, suffix, target string) error {
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer reader.Close()
	var found *zip.File
	for _, file := range reader.File {
		if strings.HasSuffix(file.Name, suffix) && (found == nil || len(file.Name) < len(found.Name)) {
			found = file
		}
	}
	if found == nil {
		return fmt.Errorf("%s has no %s", archive, suffix)
	}
	return write(found, target)
}

func write(file *zip.File, target string) error {
	content, err := file.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	bytes, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	return save(target, bytes)
}

func recordInstall(folder, version string, one installCase) error {
	options := install.MakeDefaultOptions()
	options.Version = version
	options.Timeout = time.Minute
	if one.Namespace != "" {
		options.Namespace = one.Namespace
	}
	if one.Components != nil {
		options.Components = one.Components
	}
	components := filepath.Join(folder, "components", version)
	for _, extra := range one.ComponentsExtra {
		if _, err := os.Stat(filepath.Join(components, extra+".yaml")); err == nil {
			options.Components = append(options.Components, extra)
		}
	}
	if one.Registry != nil {
		options.Registry = *one.Registry
	}
	options.ImagePullSecret = one.ImagePullSecret
	if one.WatchAllNamespaces != nil {
		options.WatchAllNamespaces = *one.WatchAllNamespaces
	}
	if one.NetworkPolicy != nil {
		options.NetworkPolicy = *one.NetworkPolicy
	}
	if one.LogLevel != "" {
		options.LogLevel = one.LogLevel
	}
	if one.ClusterDomain != "" {
		options.ClusterDomain = one.ClusterDomain
	}
	options.TolerationKeys = one.TolerationKeys

	base, err := manifestgen.MkdirTempAbs("", "flux")
	if err != nil {
		return err
	}
	defer os.RemoveAll(base)
	if err := os.CopyFS(base, os.DirFS(components)); err != nil {
		return err
	}
	manifest, err := install.Generate(options, base)
	if err != nil {
		return fmt.Errorf("%s of %s: %w", one.Name, version, err)
	}
	return save(filepath.Join(folder, "install", version, one.Name+".yaml"), []byte(manifest.Content))
}

func recordSync(folder string, one syncCase) error {
	options := sync.MakeDefaultOptions()
	if one.Namespace != "" {
		options.Name, options.Namespace, options.Secret = one.Namespace, one.Namespace, one.Namespace
	}
	if one.IntervalSeconds != 0 {
		options.Interval = time.Duration(one.IntervalSeconds) * time.Second
	}
	options.URL, options.TargetPath = one.URL, one.Path
	options.Branch, options.Tag, options.SemVer, options.Commit = one.Branch, one.Tag, one.SemVer, one.Commit
	options.RecurseSubmodules, options.Provider = one.RecurseSubmodules, one.Provider
	options.SparseCheckout = one.SparseCheckout
	manifest, err := sync.Generate(options)
	if err != nil {
		return err
	}
	return save(filepath.Join(folder, "sync", one.Name+".yaml"), []byte(manifest.Content))
}

func recordSecret(folder string, one secretCase) error {
	options := sourcesecret.MakeDefaultOptions()
	options.PrivateKeyAlgorithm = ""
	options.Username, options.Password, options.BearerToken = one.Username, one.Password, one.BearerToken
	options.CACrt = []byte(one.CA)
	options.GitHubAppID, options.GitHubAppInstallationID = one.AppID, one.InstallationID
	options.GitHubAppInstallationOwner, options.GitHubAppPrivateKey = one.AppOwner, one.AppKey
	options.GitHubAppBaseURL = one.AppBaseURL
	generate := sourcesecret.GenerateGit
	if one.AppID != "" {
		generate = sourcesecret.GenerateGitHubApp
	}
	manifest, err := generate(options)
	if err != nil {
		return err
	}
	return save(filepath.Join(folder, "secrets", one.Name+".yaml"), []byte(manifest.Content))
}

func save(target string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return os.WriteFile(target, content, 0o644)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
