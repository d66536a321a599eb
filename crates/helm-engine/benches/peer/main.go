// Peer measures the engine against Helm: the same loop of loading and rendering over Helm's own library, and both
// programs as processes.
//
//	peer generate FOLDER                         writes three charts: small, median, large
//	peer loop CHART COUNT                        loads and renders COUNT times with Helm's library
//	peer compare ENGINE-LOOP ENGINE HELM CHART…  measures all of them and prints one table
package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "generate":
		return generate(args[1])
	case len(args) == 3 && args[0] == "loop":
		count, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return loop(args[1], count)
	case len(args) > 4 && args[0] == "compare":
		return compare(programs{engineLoop: args[1], engine: args[2], helm: args[3]}, args[4:])
	}
	return fmt.Errorf("usage: peer generate FOLDER | loop CHART COUNT | compare ENGINE-LOOP ENGINE HELM CHART...")
}
