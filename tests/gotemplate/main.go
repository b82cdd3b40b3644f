// Writes what Go's text/template makes of the cases in tests/cases/gotemplate:
//
//	cd tests/gotemplate && go run . ../cases/gotemplate/*/
//
// A folder holds cases.txt (templates, each below a line "=== name") and perhaps option (of missingkey); data.json, beside
// the folders, is what they get as dot. For each template go.txt says what it gives, or the line and the message of its
// error.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

func main() {
	for _, folder := range os.Args[1:] {
		if err := run(folder); err != nil {
			fmt.Fprintln(os.Stderr, folder, err)
			os.Exit(1)
		}
	}
}

func run(folder string) error {
	text, err := os.ReadFile(filepath.Join(folder, "cases.txt"))
	if err != nil {
		return err
	}
	var raw any = map[string]any{}
	if data, err := os.ReadFile(filepath.Join(folder, "..", "data.json")); err == nil {
		if err := json.Unmarshal(data, &raw); err != nil {
			return err
		}
	}
	option := "invalid"
	if text, err := os.ReadFile(filepath.Join(folder, "option")); err == nil {
		option = strings.TrimSpace(string(text))
	}
	var out strings.Builder
	for _, block := range strings.Split("\n"+strings.TrimSuffix(string(text), "\n"), "\n=== ")[1:] {
		name, input, _ := strings.Cut(block, "\n")
		fmt.Fprintf(&out, "=== %s\n%s\n", name, render(input, value(raw), option))
	}
	return os.WriteFile(filepath.Join(folder, "go.txt"), []byte(out.String()), 0o644)
}

var place = regexp.MustCompile(`^template: t:(\d+):?(\d*):? ?`)

func render(input string, data any, option string) string {
	t := template.New("root").Option("missingkey=" + option)
	t.Funcs(functions(t, option))
	parsed, err := t.New("t").Parse(input)
	var out strings.Builder
	if err == nil {
		err = parsed.Execute(&out, data)
	}
	if err == nil {
		return out.String()
	}
	message := err.Error()
	line := "?"
	if found := place.FindStringSubmatch(message); found != nil {
		line, message = found[1], message[len(found[0]):]
	}
	return fmt.Sprintf("!!! error in line %s: %s", line, message)
}

// value reads data: numbers are float64, and a map with one key that begins with $ is a value of another type.
func value(raw any) any {
	switch it := raw.(type) {
	case []any:
		list := []any{}
		for _, item := range it {
			list = append(list, value(item))
		}
		return list
	case map[string]any:
		for key, inner := range it {
			if strings.HasPrefix(key, "$") {
				return typed(key, inner)
			}
		}
		result := map[string]any{}
		for key, inner := range it {
			result[key] = value(inner)
		}
		return result
	}
	return raw
}

func typed(kind string, raw any) any {
	switch kind {
	case "$int":
		return int(raw.(float64))
	case "$int64":
		return int64(raw.(float64))
	case "$uint8":
		return uint8(raw.(float64))
	case "$uint64":
		return uint64(raw.(float64))
	case "$bytes":
		return []byte(raw.(string))
	case "$nilmap":
		return map[string]any(nil)
	case "$nillist":
		return []any(nil)
	case "$ints":
		list := []int{}
		for _, item := range raw.([]any) {
			list = append(list, int(item.(float64)))
		}
		return list
	case "$strings":
		list := []string{}
		for _, item := range raw.([]any) {
			list = append(list, item.(string))
		}
		return list
	case "$mapint":
		result := map[string]int{}
		for key, item := range raw.(map[string]any) {
			result[key] = int(item.(float64))
		}
		return result
	case "$mapstring":
		result := map[string]string{}
		for key, item := range raw.(map[string]any) {
			result[key] = item.(string)
		}
		return result
	case "$thing":
		return &Thing{V: raw.(string), Count: 17}
	case "$label":
		return Label{raw.(string)}
	case "$seconds":
		return Seconds(int64(raw.(float64)))
	}
	panic("unknown kind " + kind)
}

// Thing has fields and methods.
type Thing struct {
	V     string
	Count int
}

func (t *Thing) Method0() string                { return "M0" }
func (t *Thing) Method1(a int) int              { return a }
func (t *Thing) Method2(a int, b string) string { return fmt.Sprintf("Method2: %d %s", a, b) }
func (t *Thing) Method3(v any) string           { return fmt.Sprintf("Method3: %v", v) }
func (t *Thing) GetU() *Thing                   { return t }
func (t *Thing) MyError(e bool) (bool, error) {
	if e {
		return true, errors.New("my error")
	}
	return false, nil
}
func (t *Thing) Sum(a ...int) int {
	sum := 0
	for _, n := range a {
		sum += n
	}
	return sum
}

// Label has a String method.
type Label struct{ Text string }

func (l Label) String() string { return "<" + l.Text + ">" }

// Seconds is a number with a String method.
type Seconds int64

func (s Seconds) String() string { return fmt.Sprintf("%ds", int64(s)) }

func functions(t *template.Template, option string) template.FuncMap {
	return template.FuncMap{
		"add": func(args ...int) int {
			sum := 0
			for _, n := range args {
				sum += n
			}
			return sum
		},
		"echo":       func(a any) any { return a },
		"oneArg":     func(a string) string { return "oneArg=" + a },
		"twoArgs":    func(a, b string) string { return "twoArgs=" + a + b },
		"dddArg":     func(a int, b ...string) string { return fmt.Sprintln(a, b) },
		"float":      func(a float64) string { return fmt.Sprint(a) },
		"long":       func(a int64) string { return fmt.Sprint(a) },
		"keys":       func(a map[string]any) int { return len(a) },
		"items":      func(a []any) int { return len(a) },
		"mapOfThree": func() any { return map[string]int{"three": 3} },
		"zeroArgs":   func() string { return "zeroArgs" },
		"die":        func() (bool, error) { return false, errors.New("die") },
		"typeOf":     func(a any) string { return fmt.Sprintf("%T", a) },
		"makemap": func(args ...string) map[string]string {
			m := map[string]string{}
			for i := 0; i+1 < len(args); i += 2 {
				m[args[i]] = args[i+1]
			}
			return m
		},
		"include": func(name string, data any) (string, error) {
			var out strings.Builder
			err := t.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
		"tpl": func(text string, data any) (string, error) {
			copied, err := t.Clone()
			if err != nil {
				return "", err
			}
			copied.Funcs(functions(copied, option))
			if copied, err = copied.New("gotpl").Parse(text); err != nil {
				return "", err
			}
			var out strings.Builder
			err = copied.Execute(&out, data)
			return out.String(), err
		},
	}
}
