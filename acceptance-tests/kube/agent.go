package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	apps "k8s.io/api/apps/v1"
	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Where a process that ended by itself, or was not ready, is looked at again.
const pause = 200 * time.Millisecond

// An agent's nodes, and the controllers that make pods of Deployments: every Deployment of Flux in a cluster has one pod as long
// as the cluster wants it, which is a process of this machine with the account and the arguments of the manifest. What is called
// kustomize-controller and helm-controller is the real one; source-controller is the stand-in of source.go; of others there is a pod
// and no process.
type nodes struct {
	admin    *rest.Config
	client   *kubernetes.Clientset
	programs string
	dir      string
	address  string
	running  map[string]*process
}

// agent runs the controllers of Flux until its standard input closes.
func agent(arguments []string) {
	flags := flag.NewFlagSet("agent", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of an administrator of the cluster")
	dir := flags.String("dir", "", "folder for logs, kubeconfigs and artifacts")
	programs := flags.String("programs", "", "folder of kustomize-controller and helm-controller")
	check(flags.Parse(arguments))
	admin := must(clientcmd.BuildConfigFromFlags("", *kubeconfig))
	admin.QPS, admin.Burst = 100, 200
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	here := &nodes{admin, must(kubernetes.NewForConfig(admin)), *programs, *dir, serveArtifacts(*dir), map[string]*process{}}

	stop, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	fmt.Println("READY")
	for stop.Err() == nil {
		here.follow(stop)
		time.Sleep(pause)
	}
	for _, one := range here.running {
		one.stop()
	}
}

// follow starts and stops what the cluster's Deployments say.
func (here *nodes) follow(stop context.Context) {
	selector := meta.ListOptions{LabelSelector: "app.kubernetes.io/part-of=flux"}
	found, err := here.client.AppsV1().Deployments("").List(stop, selector)
	if err != nil {
		return
	}
	wanted := map[string]bool{}
	for index := range found.Items {
		one := &found.Items[index]
		key := one.Namespace + "/" + one.Name
		wants := one.DeletionTimestamp == nil && (one.Spec.Replicas == nil || *one.Spec.Replicas > 0)
		wanted[key] = wants
		running := here.running[key]
		if running != nil && (!wants || running.generation != one.Generation || running.hasEnded()) {
			here.end(stop, key)
			running = nil
		}
		if wants && running == nil {
			started, err := here.start(stop, one)
			if err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", key, err)
				continue
			}
			here.running[key], running = started, started
		}
		here.tell(stop, one, wants && running.isReady())
	}
	for key := range here.running {
		if !wanted[key] {
			here.end(stop, key)
		}
	}
}

// end stops a process, and only then its pod is gone.
func (here *nodes) end(stop context.Context, key string) {
	here.running[key].stop()
	delete(here.running, key)
	namespace, name, _ := strings.Cut(key, "/")
	now := int64(0)
	_ = here.client.CoreV1().Pods(namespace).Delete(stop, name, meta.DeleteOptions{GracePeriodSeconds: &now})
}

// tell writes the status of a Deployment, in the place of its controller.
func (here *nodes) tell(stop context.Context, one *apps.Deployment, ready bool) {
	count, available := int32(0), core.ConditionFalse
	if ready {
		count, available = 1, core.ConditionTrue
		if one.Spec.Replicas != nil {
			count = *one.Spec.Replicas
		}
	}
	if one.Status.ObservedGeneration == one.Generation && one.Status.AvailableReplicas == count {
		return
	}
	one.Status = apps.DeploymentStatus{
		ObservedGeneration: one.Generation, Replicas: count, UpdatedReplicas: count, ReadyReplicas: count, AvailableReplicas: count,
		Conditions: []apps.DeploymentCondition{{
			Type: apps.DeploymentAvailable, Status: available, Reason: "Processes", LastTransitionTime: meta.Now(), LastUpdateTime: meta.Now(),
		}},
	}
	// Somebody else may have written in between: the next look comes soon.
	_, _ = here.client.AppsV1().Deployments(one.Namespace).UpdateStatus(stop, one, meta.UpdateOptions{})
}

// start makes a pod of a Deployment and runs its only container as a process.
func (here *nodes) start(stop context.Context, one *apps.Deployment) (*process, error) {
	pod := &core.Pod{ObjectMeta: one.Spec.Template.ObjectMeta, Spec: one.Spec.Template.Spec}
	pod.Namespace, pod.Name = one.Namespace, one.Name
	if _, err := here.client.CoreV1().Pods(one.Namespace).Create(stop, pod, meta.CreateOptions{}); err != nil && !errors.IsAlreadyExists(err) {
		return nil, err
	}
	started := &process{generation: one.Generation}
	if one.Name != "kustomize-controller" && one.Name != "helm-controller" && one.Name != "source-controller" {
		return started, nil
	}
	account, err := here.account(stop, one)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(here.dir, one.Namespace+"-"+one.Name)
	check(os.MkdirAll(dir, 0o755))
	if one.Name == "source-controller" {
		running, cancel := context.WithCancel(stop)
		started.cancel = cancel
		here := &source{client: must(dynamic.NewForConfig(account)), dir: here.dir, address: here.address}
		go here.run(running)
		return started, nil
	}
	health := fmt.Sprintf("127.0.0.1:%d", freePort())
	started.health = "http://" + health + "/readyz"
	// The last of several values counts.
	options := append(argumentsOf(one), "--enable-leader-election=false", "--events-addr=",
		"--health-addr="+health, fmt.Sprintf("--metrics-addr=127.0.0.1:%d", freePort()))
	environment := append(os.Environ(), "KUBECONFIG="+here.writeKubeconfig(dir, account), "RUNTIME_NAMESPACE="+one.Namespace, "TMPDIR="+dir)
	started.child = startProgram(filepath.Join(here.programs, one.Name), filepath.Join(dir, "log"), environment, options...)
	started.follow()
	return started, nil
}

// argumentsOf gives the arguments of a manifest with its variables filled in.
func argumentsOf(one *apps.Deployment) []string {
	container := one.Spec.Template.Spec.Containers[0]
	fill := strings.NewReplacer("$(RUNTIME_NAMESPACE)", one.Namespace)
	filled := make([]string, 0, len(container.Args))
	for _, argument := range container.Args {
		filled = append(filled, fill.Replace(argument))
	}
	return filled
}

// account gives the way into the cluster that a pod of the Deployment has: its service account, with its rights and no more.
func (here *nodes) account(stop context.Context, one *apps.Deployment) (*rest.Config, error) {
	seconds := int64(6 * 60 * 60)
	request := &authentication.TokenRequest{Spec: authentication.TokenRequestSpec{ExpirationSeconds: &seconds}}
	name := one.Spec.Template.Spec.ServiceAccountName
	answer, err := here.client.CoreV1().ServiceAccounts(one.Namespace).CreateToken(stop, name, request, meta.CreateOptions{})
	if err != nil {
		return nil, err
	}
	config := rest.AnonymousClientConfig(here.admin)
	config.BearerToken = answer.Status.Token
	config.QPS, config.Burst = 100, 200
	return config, nil
}

func (here *nodes) writeKubeconfig(dir string, account *rest.Config) string {
	return write(filepath.Join(dir, "kubeconfig"), fmt.Appendf(nil, `apiVersion: v1
kind: Config
current-context: it
clusters:
- name: it
  cluster: {server: %q, certificate-authority-data: %q}
users:
- name: it
  user: {token: %q}
contexts:
- name: it
  context: {cluster: it, user: it}
`, account.Host, encodeText(account.CAData), account.BearerToken))
}

func isHealthy(address string) bool {
	client := http.Client{Timeout: time.Second}
	answer, err := client.Get(address)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
