package main

import (
	"context"
	"encoding/base64"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// What runs for a Deployment: a program, a part of this process, or nothing at all.
type process struct {
	generation int64
	child      *exec.Cmd
	cancel     context.CancelFunc
	health     string
	ended      chan struct{}
}

// follow notices the end of the program.
func (one *process) follow() {
	one.ended = make(chan struct{})
	go func() {
		_ = one.child.Wait()
		close(one.ended)
	}()
}

func (one *process) isReady() bool { return one.health == "" || isHealthy(one.health) }

func (one *process) hasEnded() bool {
	if one.ended == nil {
		return false
	}
	select {
	case <-one.ended:
		return true
	default:
		return false
	}
}

// stop ends it as a node ends a pod: asked first, and killed when that takes too long.
func (one *process) stop() {
	if one.cancel != nil {
		one.cancel()
	}
	if one.child == nil {
		return
	}
	_ = one.child.Process.Signal(syscall.SIGTERM)
	select {
	case <-one.ended:
	case <-time.After(5 * time.Second):
		_ = one.child.Process.Kill()
		<-one.ended
	}
}

// startProgram runs a program that is killed when this process ends, however it ends. Its log goes on where one stands.
func startProgram(program, log string, environment []string, arguments ...string) *exec.Cmd {
	child := exec.Command(program, arguments...)
	child.Env = environment
	file := must(os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644))
	defer file.Close()
	child.Stdout, child.Stderr = file, file
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	check(child.Start())
	return child
}

func encodeText(text []byte) string { return base64.StdEncoding.EncodeToString(text) }
