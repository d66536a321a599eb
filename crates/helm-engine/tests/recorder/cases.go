package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A caseFile is one family of the corpus: blocks of lines divided by blank lines.
// The format is described in corpus/README.md.
type caseFile struct {
	path      string
	manifests bool
	blocks    []block
}

// A block is a case, or a comment, directive or shared input that is kept as it is.
type block struct {
	kept   []string // lines of a block that is no case
	shared []input  // the file-level inputs in force
	inputs []input
	v3, v4 *answer
}

// noText stands for a file that has no line at all.
const noText = "\x00no text"

// An input is one part of a case: its marker ("e", "t", "v" …), for "b" the path, and its text.
type input struct {
	marker, path, text string
}

// An answer is what one version of Helm printed or refused with.
type answer struct {
	Text   []byte
	Failed bool
}

func (b block) isCase() bool { return len(b.inputs) > 0 }

func readCaseFile(path string) (*caseFile, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file := &caseFile{path: path}
	var shared []input
	for _, lines := range splitBlocks(string(raw)) {
		if lines[0] == "% manifests" {
			file.manifests = true
		}
		next, err := parseBlock(lines, shared)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if !next.isCase() && lines[0][0] >= 'A' && lines[0][0] <= 'Z' {
			if shared, err = parseShared(lines, shared); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
		file.blocks = append(file.blocks, next)
	}
	return file, nil
}

func splitBlocks(text string) [][]string {
	var blocks [][]string
	var current []string
	for _, line := range strings.Split(text, "\n") {
		if line == "" {
			if current != nil {
				blocks = append(blocks, current)
			}
			current = nil
			continue
		}
		current = append(current, line)
	}
	if current != nil {
		blocks = append(blocks, current)
	}
	return blocks
}

// parseShared reads a block of capital markers: it replaces the shared inputs of the same markers.
func parseShared(lines []string, before []input) ([]input, error) {
	lowered := make([]string, len(lines))
	replaced := map[string]bool{}
	for i, line := range lines {
		lowered[i] = strings.ToLower(line[:1]) + line[1:]
		replaced[lowered[i][:1]] = true
	}
	parsed, err := parseBlock(lowered, nil)
	if err != nil {
		return nil, err
	}
	var shared []input
	for _, old := range before {
		if !replaced[old.marker] {
			shared = append(shared, old)
		}
	}
	return append(shared, parsed.inputs...), nil
}

func parseBlock(lines []string, shared []input) (block, error) {
	first := lines[0][0]
	if first == '#' || first == '%' || (first >= 'A' && first <= 'Z') {
		return block{kept: lines}, nil
	}
	parsed := block{shared: shared}
	path := ""
	for _, line := range lines {
		if strings.HasPrefix(line, "#") {
			return block{}, fmt.Errorf("comment inside a case: %q", line)
		}
		marker, text, err := splitLine(line)
		if err != nil {
			return block{}, err
		}
		switch marker {
		case "@":
			path = text
			parsed.inputs = append(parsed.inputs, input{marker: "b", path: path, text: noText})
		case "b", "e", "t", "v", "u", "f", "s":
			parsed.inputs = addInput(parsed.inputs, marker, path, text)
		case "=", "!", "3=", "3!", "4=", "4!":
			parsed.addAnswer(marker, text)
		default:
			return block{}, fmt.Errorf("unknown marker in %q", line)
		}
	}
	return parsed, nil
}

// addInput joins lines of one marker that follow each other; flags stay one per line.
func addInput(inputs []input, marker, path, text string) []input {
	if marker != "b" {
		path = ""
	} else if path == "" {
		path = "b"
	}
	if last := len(inputs) - 1; last >= 0 && marker != "s" && inputs[last].marker == marker && inputs[last].path == path {
		if inputs[last].text == noText {
			inputs[last].text = text
		} else {
			inputs[last].text += "\n" + text
		}
		return inputs
	}
	return append(inputs, input{marker, path, text})
}

func (b *block) addAnswer(marker, text string) {
	failed := strings.HasSuffix(marker, "!")
	for _, side := range []struct {
		version string
		answer  **answer
	}{{"4", &b.v3}, {"3", &b.v4}} {
		if strings.HasPrefix(marker, side.version) {
			continue // this line speaks of the other version only
		}
		if *side.answer == nil {
			*side.answer = &answer{Text: []byte(text), Failed: failed}
		} else {
			(*side.answer).Text = append(append((*side.answer).Text, '\n'), text...)
		}
	}
}

// splitLine divides a line into marker and text; text after a quote mark is escaped.
func splitLine(line string) (string, string, error) {
	end := strings.IndexAny(line, " \"")
	if end < 0 {
		return line, "", nil
	}
	marker, rest := line[:end], line[end:]
	if rest[0] == ' ' {
		return marker, rest[1:], nil
	}
	text, err := strconv.Unquote(rest)
	if err != nil {
		return "", "", fmt.Errorf("bad quoted line %q", line)
	}
	return marker, text, nil
}

func (f *caseFile) write() error {
	var out strings.Builder
	for i, b := range f.blocks {
		if i > 0 {
			out.WriteString("\n")
		}
		if !b.isCase() {
			out.WriteString(strings.Join(b.kept, "\n") + "\n")
			continue
		}
		b.write(&out)
	}
	return os.WriteFile(f.path, []byte(out.String()), 0o644)
}

func (b block) write(out *strings.Builder) {
	for _, in := range b.inputs {
		if in.marker == "b" && in.path != "b" {
			writeLines(out, "@", in.path)
		}
		if in.text != noText {
			writeLines(out, in.marker, in.text)
		}
	}
	if b.v3 == nil || b.v4 == nil {
		return
	}
	if b.v3.equal(b.v4) {
		writeLines(out, b.v3.marker(), string(b.v3.Text))
		return
	}
	writeLines(out, "3"+b.v3.marker(), string(b.v3.Text))
	writeLines(out, "4"+b.v4.marker(), string(b.v4.Text))
}

func (a *answer) equal(other *answer) bool {
	return a.Failed == other.Failed && string(a.Text) == string(other.Text)
}

func (a *answer) marker() string {
	if a.Failed {
		return "!"
	}
	return "="
}

// writeLines writes one marked line per line of text; what an editor could lose is escaped.
func writeLines(out *strings.Builder, marker, text string) {
	for _, line := range strings.Split(text, "\n") {
		switch {
		case line == "":
			out.WriteString(marker + "\n")
		case needsQuoting(line):
			out.WriteString(marker + quote(line) + "\n")
		default:
			out.WriteString(marker + " " + line + "\n")
		}
	}
}

func needsQuoting(line string) bool {
	if !utf8.ValidString(line) || strings.HasSuffix(line, " ") {
		return true
	}
	for _, r := range line {
		if r < 0x20 || (r >= 0x7f && r < 0xa0) || r == '\u2028' || r == '\u2029' || r == '\ufeff' {
			return true
		}
	}
	return false
}

// quote escapes with \\ \" \t \r and \xHH only, byte by byte, so that any reader can undo it.
func quote(line string) string {
	var out strings.Builder
	out.WriteByte('"')
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' || c == '"':
			out.WriteByte('\\')
			out.WriteByte(c)
		case c == '\t':
			out.WriteString(`\t`)
		case c == '\r':
			out.WriteString(`\r`)
		case c < 0x20 || c >= 0x7f:
			fmt.Fprintf(&out, `\x%02x`, c)
		default:
			out.WriteByte(c)
		}
	}
	out.WriteByte('"')
	return out.String()
}
