package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

const (
	sourceGroup = "source.toolkit.fluxcd.io"
	finalizer   = "finalizers.fluxcd.io"
)

// A stand-in for Flux's source-controller, of which a dependency cannot be had: GitRepository, HelmRepository and HelmChart,
// looked at again and again, become artifacts that the real kustomize- and helm-controller fetch from the loopback. It does what
// the journeys need and nothing else, so it shows nothing about source-controller.
type source struct {
	client  dynamic.Interface
	dir     string
	address string
}

// What a source holds at a revision.
type artifact struct {
	revision string
	content  []byte
}

// serveArtifacts gives the address of what sources store in a folder, as source-controller's Service does: it stays the same
// when the controller is started anew.
func serveArtifacts(dir string) string {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	check(os.MkdirAll(filepath.Join(dir, "artifacts"), 0o755))
	go func() { _ = http.Serve(listener, http.FileServer(http.Dir(filepath.Join(dir, "artifacts")))) }()
	return "http://" + listener.Addr().String()
}

func (one *source) run(stop context.Context) {
	for stop.Err() == nil {
		one.each(stop, "gitrepositories", one.gitRepository)
		one.each(stop, "helmrepositories", one.helmRepository)
		one.each(stop, "helmcharts", one.helmChart)
		time.Sleep(pause)
	}
}

func (one *source) of(kind, namespace string) dynamic.ResourceInterface {
	at := schema.GroupVersionResource{Group: sourceGroup, Version: "v1", Resource: kind}
	return one.client.Resource(at).Namespace(namespace)
}

func (one *source) each(stop context.Context, kind string, fetch func(context.Context, *unstructured.Unstructured) (artifact, error)) {
	found, err := one.of(kind, "").List(stop, meta.ListOptions{})
	if err != nil {
		return
	}
	for index := range found.Items {
		object := &found.Items[index]
		if one.lives(stop, kind, object) && !isSuspended(object) {
			found, err := fetch(stop, object)
			one.tell(stop, kind, object, found, err)
		}
	}
}

// lives puts the finalizer on a source and takes it off one that is being deleted, as source-controller does.
func (one *source) lives(stop context.Context, kind string, object *unstructured.Unstructured) bool {
	goes := object.GetDeletionTimestamp() != nil
	if slices.Contains(object.GetFinalizers(), finalizer) == goes {
		var names []string
		if !goes {
			names = append(object.GetFinalizers(), finalizer)
		}
		patch := must(json.Marshal(map[string]any{"metadata": map[string]any{"finalizers": names, "resourceVersion": object.GetResourceVersion()}}))
		one.patch(stop, kind, object, patch)
	}
	return !goes
}

func isSuspended(object *unstructured.Unstructured) bool {
	suspended, _, _ := unstructured.NestedBool(object.Object, "spec", "suspend")
	return suspended
}

// tell writes what became of a source into its status, where that says something else.
func (one *source) tell(stop context.Context, kind string, object *unstructured.Unstructured, found artifact, failure error) {
	ready := map[string]any{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored artifact for revision '" + found.revision + "'"}
	if failure != nil {
		ready["status"], ready["reason"], ready["message"] = "False", "Failed", failure.Error()
	}
	asked := object.GetAnnotations()["reconcile.fluxcd.io/requestedAt"]
	handled, _, _ := unstructured.NestedString(object.Object, "status", "lastHandledReconcileAt")
	if observed, message := observedOf(object); observed == object.GetGeneration() && message == ready["message"] && asked == handled {
		return
	}
	now := time.Now().UTC().Format(time.RFC3339)
	ready["lastTransitionTime"], ready["observedGeneration"] = now, object.GetGeneration()
	status := map[string]any{"observedGeneration": object.GetGeneration(), "conditions": []any{ready}, "lastHandledReconcileAt": asked}
	if failure == nil {
		status["artifact"] = one.store(kind, object, found, now)
		if kind == "helmcharts" {
			status["observedChartName"] = text(object, "spec", "chart")
		}
	}
	one.patch(stop, kind, object, must(json.Marshal(map[string]any{"status": status})), "status")
}

func (one *source) patch(stop context.Context, kind string, object *unstructured.Unstructured, patch []byte, subresource ...string) {
	options := meta.PatchOptions{FieldManager: "source-controller"}
	// What cannot be written now is tried again with the next look.
	_, _ = one.of(kind, object.GetNamespace()).Patch(stop, object.GetName(), types.MergePatchType, patch, options, subresource...)
}

func observedOf(object *unstructured.Unstructured) (int64, string) {
	generation, _, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	if len(conditions) == 0 {
		return generation, ""
	}
	first, _ := conditions[0].(map[string]any)
	message, _ := first["message"].(string)
	return generation, message
}

func (one *source) store(kind string, object *unstructured.Unstructured, found artifact, now string) map[string]any {
	digest := fmt.Sprintf("%x", sha256.Sum256(found.content))
	path := fmt.Sprintf("%s/%s/%s/%s.tar.gz", kind, object.GetNamespace(), object.GetName(), digest)
	write(filepath.Join(one.dir, "artifacts", path), found.content)
	return map[string]any{
		"path": path, "url": one.address + "/" + path, "revision": found.revision, "digest": "sha256:" + digest,
		"lastUpdateTime": now, "size": len(found.content),
	}
}

func text(object *unstructured.Unstructured, fields ...string) string {
	found, _, _ := unstructured.NestedString(object.Object, fields...)
	return found
}
