// Command functions prints what Helm's own functions give for the cases under tests/cases/functions.
//
// A case file holds one template a line. Beside it goes the table of results that the tests compare with, so that they
// need no Go: `go run . ../cases/functions/*.txt` writes NAME.tsv for each NAME.txt. A line of a table is the template,
// a tab, and the result as a Go string; or `!` and the error.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

func main() {
	for _, file := range os.Args[1:] {
		if err := table(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func table(file string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(strings.TrimSuffix(file, ".txt") + ".tsv")
	if err != nil {
		return err
	}
	defer out.Close()
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		result, err := render(line)
		if err != nil {
			fmt.Fprintf(out, "%s\t!%s\n", line, strconv.Quote(err.Error()))
		} else {
			fmt.Fprintf(out, "%s\t%s\n", line, strconv.Quote(result))
		}
	}
	return lines.Err()
}

// What the cases can name.
const values = `
text: hello
empty: ""
zero: 0
one: 1
float: 1.5
big: 1234567
yes: true
no: false
none: null
list: [c, a, b]
numbers: [3, 1, 2]
mixed: [1, a, true, null, {k: v}]
nothing: []
map: {b: 2, a: 1, c: {d: e}}
deep: {one: {two: {three: x}}}
bare: {}
`

func render(template string) (string, error) {
	read := map[string]any{}
	if err := yaml.Unmarshal([]byte(values), &read); err != nil {
		return "", err
	}
	c := &chart.Chart{
		Metadata:  &chart.Metadata{Name: "c", Version: "1.0.0", APIVersion: "v2"},
		Templates: []*common.File{{Name: "t", Data: []byte(template)}},
	}
	top := common.Values{"Values": common.Values(read), "Chart": c.Metadata, "Release": map[string]any{"Name": "rel"}}
	rendered, err := engine.Engine{}.Render(c, top)
	return rendered["c/t"], err
}
