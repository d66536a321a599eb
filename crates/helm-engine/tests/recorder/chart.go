package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A chart is what a case stands for: files below the chart's root, a user's values file, flags.
// The answer programs read it as one line of JSON.
type chart struct {
	Files map[string][]byte
	User  []byte // a values file given with -f, nil if there is none
	Flags []string
}

const chartYAML = "apiVersion: v2\nname: c\nversion: 0.1.0\n"

// chart builds the chart of a case; the template is c/templates/t, what it defines is in c/templates/_h.
func (b block) chart() chart {
	made := chart{Files: map[string][]byte{"Chart.yaml": []byte(chartYAML)}}
	for _, in := range append(append([]input{}, b.shared...), b.inputs...) {
		switch in.marker {
		case "e":
			made.Files["templates/t"] = []byte("{{ " + in.text + " }}")
		case "t":
			made.Files["templates/t"] = []byte(in.text)
		case "f":
			made.Files["templates/_h"] = []byte(in.text)
		case "v":
			made.Files["values.yaml"] = []byte(in.text)
		case "u":
			made.User = []byte(in.text)
		case "b":
			made.Files[in.path] = []byte(in.text)
			if in.text == noText {
				made.Files[in.path] = nil
			}
		case "s":
			flag, value, hasValue := strings.Cut(in.text, " ")
			made.Flags = append(made.Flags, flag)
			if hasValue {
				made.Flags = append(made.Flags, value)
			}
		}
	}
	return made
}

// An answerer is a running answer program: a line of JSON in, a line of JSON out.
type answerer struct {
	command string
	encoder *json.Encoder
	lines   *bufio.Reader
	stop    func()
}

func startAnswerer(command string) *answerer {
	if command == "" {
		return nil
	}
	started := &answerer{command: command}
	started.start()
	return started
}

func (a *answerer) start() {
	process := exec.Command(a.command)
	process.Env = append(os.Environ(), "TZ=UTC")
	in, err := process.StdinPipe()
	if err != nil {
		panic(err)
	}
	out, err := process.StdoutPipe()
	if err != nil {
		panic(err)
	}
	if err := process.Start(); err != nil {
		panic(err)
	}
	a.encoder, a.lines = json.NewEncoder(in), bufio.NewReaderSize(out, 1<<20)
	a.stop = func() { _ = process.Process.Kill(); _ = process.Wait() }
}

// ask waits at most 3 seconds; a program that hangs or dies is started again, and the case is named.
func (a *answerer) ask(c chart) answer {
	if err := a.encoder.Encode(c); err != nil {
		panic(err)
	}
	var reply answer
	done := make(chan error, 1)
	go func() {
		line, err := a.lines.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &reply)
		}
		done <- err
	}()
	var err error
	select {
	case err = <-done:
	case <-time.After(3 * time.Second):
		err = fmt.Errorf("no answer in 3 s")
	}
	if err != nil {
		fmt.Printf("%s: %v: %s\n", a.command, err, c.Files["templates/t"])
		a.stop()
		a.start()
		return answer{Text: []byte(time.Now().String())} // differs between two runs: rejected
	}
	return reply
}

// runHelm writes the chart to a new folder and runs `helm template` on it.
func runHelm(binary string, c chart) answer {
	folder, err := os.MkdirTemp("", "recorder")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	for path, data := range c.Files {
		target := filepath.Join(folder, "c", path)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			panic(err)
		}
		if err := os.WriteFile(target, data, 0o644); err != nil {
			panic(err)
		}
	}
	arguments := c.Flags
	if c.User != nil {
		if err := os.WriteFile(filepath.Join(folder, "u.yaml"), c.User, 0o644); err != nil {
			panic(err)
		}
		arguments = append([]string{"-f", "u.yaml"}, arguments...)
	}
	return helmTemplate(binary, folder, append([]string{"release-name", "c"}, arguments...))
}

// helmTemplate runs the binary away from the user's own Helm settings and keeps what it prints:
// standard output, or from the line that begins with "Error: " on what it complains with.
func helmTemplate(binary, folder string, arguments []string) answer {
	command := exec.Command(binary, append([]string{"template", "--kube-version", kubeVersion}, arguments...)...)
	command.Dir = folder
	empty := filepath.Join(folder, ".empty")
	command.Env = []string{
		"TZ=UTC", "HOME=" + empty, "PATH=/usr/bin:/bin", "HELM_CACHE_HOME=" + empty,
		"HELM_CONFIG_HOME=" + empty, "HELM_DATA_HOME=" + empty,
	}
	var out, complaints bytes.Buffer
	command.Stdout, command.Stderr = &out, &complaints
	if err := command.Run(); err == nil {
		return answer{Text: out.Bytes()}
	}
	text := complaints.String()
	if at := strings.Index("\n"+text, "\nError: "); at >= 0 {
		text = text[at:]
	}
	text = strings.ReplaceAll(strings.TrimPrefix(text, "Error: "), folder+"/", "")
	return answer{Text: []byte(strings.TrimSuffix(text, "\n")), Failed: true}
}
