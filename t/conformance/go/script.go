package main

import (
	"net/url"
	"strconv"
	"strings"
)

// words are a command's, after the hook's name; those that are not there are empty.
type words []string

func (words words) at(index int) string {
	if index < len(words) {
		return words[index]
	}
	return ""
}

func (words words) number(index int) int64 {
	number, err := strconv.ParseInt(words.at(index), 10, 64)
	if err != nil {
		panic(err)
	}
	return number
}

// commandsFor gives the commands for a hook, in order, in the language of t/lib/FlexiLib/Test/Conformance.pm.
func commandsFor(script, hook string) (commands []words) {
	for _, line := range strings.Split(script, ";") {
		parts := strings.Split(strings.TrimLeft(line, " "), " ")
		if parts[0] != hook {
			continue
		}
		command := words{}
		for _, part := range parts[1:] {
			plain, err := url.PathUnescape(part)
			if err != nil {
				panic(err)
			}
			command = append(command, plain)
		}
		commands = append(commands, command)
	}
	return commands
}
