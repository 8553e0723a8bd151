package main

import (
	"flexilib"
	"fmt"
	"path"
	"strings"
)

// given is a handler that takes an option of each type and replies with what it was given, a line for each.
type given struct {
	lines []func(exchange *flexilib.Exchange) string
}

var limits = []flexilib.Option{
	flexilib.Number("rate", "so many").Required(),
	flexilib.Text("label", "a name").Fallback("none"),
}

var givenOptions = []flexilib.Option{
	flexilib.Bool("bool", "yes or no"),
	flexilib.Integer("integer", "a whole number").Between(-5, 99),
	flexilib.Duration("duration", "a time").Fallback("1s"),
	flexilib.Size("size", "a size"),
	flexilib.Text("text", "a text"),
	flexilib.List("list", "texts"),
	flexilib.Map("map", "texts by name"),
	flexilib.Secret("secret", "a secret"),
	flexilib.File("file", "a file"),
	flexilib.Number("number", "a number"),
	flexilib.Choice("choice", "a colour", "red", "green", "blue"),
	flexilib.Pattern("regex", "a pattern"),
	flexilib.Expansion("template", "a template"),
	flexilib.Upstream("upstream", "an upstream"),
	flexilib.Networks("ranges", "networks"),
	flexilib.Directory("directory", "a folder"),
	flexilib.Table("table", "a table", limits...),
	flexilib.ListOf("list-of", "tables", flexilib.Table("", "a limit", limits...)),
	flexilib.MapOf("map-of", "numbers by name", flexilib.Integer("", "a weight")),
	flexilib.Any("any", "a tree"),
}

var givenNames = strings.Fields("bool integer duration size text list map secret file number choice regex template upstream " +
	"ranges directory table list-of map-of any")

func createGiven(setup *flexilib.Setup) (*given, error) {
	if text := setup.Option("text"); text.Text() == "evil" {
		return nil, text.Refuse("it is evil")
	}
	if setup.Option("text").Text() == "throw" {
		panic("has thrown: mischief")
	}
	// "late" is ready later, "late TEXT" will not be, for that reason.
	if text := setup.Option("text").Text(); strings.HasPrefix(text, "late") {
		setReady := setup.DeferReady()
		go setReady(strings.TrimPrefix(strings.TrimPrefix(text, "late"), " "))
	}
	for _, item := range setup.Option("list-of").Items() {
		if rate := item.Field("rate"); rate.Number() > 1000 {
			return nil, rate.Refuse("1000 is the most")
		}
	}
	made := &given{}
	for _, name := range givenNames {
		made.lines = append(made.lines, printer(name, setup.Option(name)))
	}
	return made, nil
}

func (given *given) OnRequestHead(exchange *flexilib.Exchange) flexilib.Answer {
	var page strings.Builder
	for i, line := range given.lines {
		fmt.Fprintf(&page, "%s=%s\n", givenNames[i], line(exchange))
	}
	return exchange.Reply(200, "text/plain", page.String())
}

// printer says how an option's value is printed.
func printer(name string, value flexilib.Value) func(exchange *flexilib.Exchange) string {
	text := ""
	switch {
	case !value.IsPresent():
	case name == "regex":
		regex := value.Regex()
		return func(*flexilib.Exchange) string { return regex.Find("abc123def", 0)[1] }
	case name == "template":
		template := value.Template()
		return func(exchange *flexilib.Exchange) string { return exchange.Expand(template) }
	case name == "ranges":
		ranges := value.Ranges()
		return func(*flexilib.Exchange) string {
			return map[bool]string{true: "in", false: "out"}[ranges.Contain("10.1.2.3")]
		}
	default:
		text = print(name, value)
	}
	return func(*flexilib.Exchange) string { return text }
}

func print(name string, value flexilib.Value) string {
	switch name {
	case "bool":
		return map[bool]string{true: "yes", false: "no"}[value.Bool()]
	case "integer", "size":
		return fmt.Sprint(value.Integer())
	case "duration":
		return fmt.Sprint(value.Duration().Milliseconds())
	case "number":
		return fmt.Sprint(value.Number())
	case "choice":
		return fmt.Sprintf("%d %s", value.Integer(), value.Text())
	case "directory":
		return "/" + path.Base(value.Text())
	case "list":
		return strings.Join(value.List(), ",")
	case "table":
		return printLimits(value)
	case "any":
		return printNode(value.Node())
	case "map", "list-of", "map-of":
		return strings.Join(printItems(name, value), ",")
	}
	return value.Text()
}

func printItems(name string, value flexilib.Value) (texts []string) {
	if name == "map" {
		for _, field := range value.Map() {
			texts = append(texts, field.Name+":"+field.Value)
		}
		return texts
	}
	for i, item := range value.Items() {
		if name == "list-of" {
			texts = append(texts, printLimits(item))
		} else {
			texts = append(texts, fmt.Sprintf("%s:%d", value.List()[i], item.Integer()))
		}
	}
	return texts
}

func printLimits(value flexilib.Value) string {
	return fmt.Sprintf("%v/%s", value.Field("rate").Number(), value.Field("label").Text())
}

func printNode(node flexilib.Node) string {
	var texts []string
	for i, item := range node.Items {
		text := printNode(item)
		if node.Kind == flexilib.Mapped {
			text = node.Names[i] + ":" + text
		}
		texts = append(texts, text)
	}
	switch node.Kind {
	case flexilib.Scalar:
		return node.Text
	case flexilib.Listed:
		return "[" + strings.Join(texts, ",") + "]"
	case flexilib.Mapped:
		return "{" + strings.Join(texts, ",") + "}"
	}
	return "null"
}
