// The conformance filters in Go.
package main

import (
	"bytes"
	"errors"
	"flexilib"
	"fmt"
	"strings"
	"time"
)

type conformance struct {
	script     string
	expansion  flexilib.Template
	pattern    flexilib.Regex
	ranges     flexilib.Ranges
	timer      *flexilib.Timer
	offload    *flexilib.Offload
	fetch      *flexilib.Fetch
	dictionary *flexilib.Dictionary
	counter    *flexilib.Metric
	gauge      *flexilib.Metric
	histogram  *flexilib.Metric
}

// memory is what the filter knows of an exchange.
type memory struct {
	count  int64
	result string
}

// scene is a hook that follows the script.
type scene struct {
	*flexilib.Exchange
	filter *conformance
	half   flexilib.Half // where refusals are told
	piece  []byte
	last   bool
	answer flexilib.Answer
}

var options = []flexilib.Option{
	flexilib.Text("script", "the field with the script").Fallback("x-do"),
	flexilib.Expansion("expansion", "what `expansion` tells"),
	flexilib.Pattern("pattern", "what `match` looks for"),
	flexilib.Networks("ranges", "what `in-ranges` looks in"),
	flexilib.List("extensions", "which are used").Fallback("[]"),
}

func create(setup *flexilib.Setup) (*conformance, error) {
	filter := &conformance{
		script:    setup.Option("script").Text(),
		expansion: setup.Option("expansion").Template(),
		pattern:   setup.Option("pattern").Regex(),
		ranges:    setup.Option("ranges").Ranges(),
	}
	for _, name := range setup.Option("extensions").List() {
		if err := filter.open(setup, name); err != nil {
			return nil, err
		}
	}
	return filter, nil
}

func (filter *conformance) open(setup *flexilib.Setup, name string) (err error) {
	switch name {
	case "timer":
		filter.timer, err = flexilib.NewTimer(setup)
	case "offload":
		filter.offload, err = flexilib.NewOffload(setup)
	case "fetch":
		filter.fetch, err = flexilib.NewFetch(setup)
	case "dictionary":
		filter.dictionary, err = flexilib.OpenDictionary(setup, "conformance")
	default:
		err = filter.declare(setup)
	}
	return err
}

func (filter *conformance) declare(setup *flexilib.Setup) (err error) {
	declaration := flexilib.MetricDeclaration{Kind: flexilib.Counter, Name: "conformance_total", Help: "What scripts count."}
	declaration.Labels = []string{"label"}
	if filter.counter, err = flexilib.DeclareMetric(setup, declaration); err != nil {
		return err
	}
	declaration.Kind, declaration.Name, declaration.Labels = flexilib.Gauge, "conformance_level", nil
	if filter.gauge, err = flexilib.DeclareMetric(setup, declaration); err != nil {
		return err
	}
	declaration.Kind, declaration.Name, declaration.Buckets = flexilib.Histogram, "conformance_size", []float64{1, 10}
	filter.histogram, err = flexilib.DeclareMetric(setup, declaration)
	return err
}

func (filter *conformance) OnRequestHead(exchange *flexilib.Exchange) flexilib.Answer {
	return filter.act("request-head", scene{Exchange: exchange, half: exchange.Request()})
}

func (filter *conformance) OnRequestBody(exchange *flexilib.Exchange, piece []byte, last bool) flexilib.Answer {
	return filter.act("request-body", scene{Exchange: exchange, half: exchange.Request(), piece: piece, last: last})
}

func (filter *conformance) OnResponseHead(exchange *flexilib.Exchange) flexilib.Answer {
	return filter.act("response-head", scene{Exchange: exchange, half: exchange.Response()})
}

func (filter *conformance) OnResponseBody(exchange *flexilib.Exchange, piece []byte, last bool) flexilib.Answer {
	return filter.act("response-body", scene{Exchange: exchange, half: exchange.Response(), piece: piece, last: last})
}

func (filter *conformance) OnReplyBody(exchange *flexilib.Exchange) flexilib.Answer {
	return filter.act("reply-body", scene{Exchange: exchange, half: exchange.Response()})
}

func (filter *conformance) OnResume(exchange *flexilib.Exchange, result any) flexilib.Answer {
	memory := flexilib.State[memory](exchange)
	switch result := result.(type) {
	case nil:
		memory.result = "nothing"
	case string:
		memory.result = result
	case *flexilib.FetchResponse:
		memory.result = fmt.Sprintf("%d %s", result.Status, result.Body)
		if result.Failure != 0 {
			memory.result = fmt.Sprintf("failed with %d", result.Failure)
		}
	}
	return filter.act("resume", scene{Exchange: exchange, half: exchange.Response()})
}

func (filter *conformance) OnEnd(exchange *flexilib.Exchange) {
	filter.act("end", scene{Exchange: exchange, half: exchange.Response()})
}

func (filter *conformance) act(hook string, scene scene) flexilib.Answer {
	scene.filter = filter
	script, _ := scene.Request().Header(filter.script)
	commands := commandsFor(script, hook)
	if len(commands) == 0 && (hook == "request-body" || hook == "response-body") {
		scene.Pass()
	}
	for _, words := range commands {
		if !scene.perform(words) {
			scene.half.AddHeader("x-refused", words.at(0))
		}
	}
	return scene.answer
}

func (scene *scene) named(name string) flexilib.Half {
	if name == "request" {
		return scene.Request()
	}
	return scene.Response()
}

func (scene *scene) perform(w words) bool {
	switch w.at(0) {
	case "set":
		return scene.named(w.at(1)).SetHeader(w.at(2), w.at(3))
	case "add":
		return scene.named(w.at(1)).AddHeader(w.at(2), w.at(3))
	case "remove":
		return scene.named(w.at(1)).RemoveHeader(w.at(2)) != 0
	case "tell":
		return scene.named(w.at(1)).SetHeader(w.at(2), scene.find(w))
	case "set-method":
		return scene.SetMethod(w.at(1))
	case "set-scheme":
		return scene.SetScheme(w.at(1))
	case "set-authority":
		return scene.SetAuthority(w.at(1))
	case "set-path":
		return scene.SetPath(w.at(1))
	case "set-query":
		return scene.SetQuery(w.at(1))
	case "set-status":
		return scene.SetStatus(int(w.number(1)))
	case "set-upstream":
		return scene.SetUpstream(w.at(1))
	case "set-attribute":
		return scene.SetAttribute(w.at(1), w.at(2))
	case "collect":
		return scene.named(w.at(1)).Collect(uint64(w.number(2)))
	case "hold":
		return scene.named(w.at(1)).HoldHead()
	case "decode":
		return scene.named(w.at(1)).Decode()
	case "skip":
		return scene.named(w.at(1)).SkipBody()
	}
	return scene.write(w)
}

// Verbs about bodies.
func (scene *scene) write(w words) bool {
	switch w.at(0) {
	case "pass":
		return scene.Pass()
	case "write":
		return scene.WriteString(w.at(1))
	case "upper":
		return scene.Write(bytes.ToUpper(scene.piece))
	case "tail":
		return !scene.last || scene.WriteString(w.at(1))
	case "drop":
		return true
	case "chunks":
		isWritten := scene.WriteString(w.at(2))
		if scene.count() < w.number(1) {
			return isWritten
		}
		return scene.EndReply()
	}
	return scene.decide(w)
}

// Verbs that say how the hook answers.
func (scene *scene) decide(w words) bool {
	switch w.at(0) {
	case "reply":
		return scene.reply(scene.Reply(int(w.number(1)), w.at(2), w.at(3)))
	case "stream":
		return scene.reply(scene.ReplyStream(int(w.number(1)), w.at(2)))
	case "fail":
		return scene.pause(flexilib.Fail)
	case "answer":
		return scene.pause(flexilib.Answer(w.number(1)))
	case "log":
		scene.Log(flexilib.Info, w.at(1))
		return true
	case "throw":
		panic(errors.New(w.at(1)))
	}
	return scene.wait(w)
}

// Verbs that pause, and those of extensions.
func (scene *scene) wait(w words) bool {
	filter := scene.filter
	switch w.at(0) {
	case "pause":
		return scene.pause(scene.Go(func() any { return w.at(1) }))
	case "timer":
		return scene.pause(filter.timer.Pause(scene.Exchange, time.Duration(w.number(1))*time.Millisecond))
	case "offload":
		return scene.pause(filter.offload.Run(scene.Exchange, func() any { return strings.ToUpper(w.at(1)) }))
	case "fetch":
		request := flexilib.FetchRequest{Upstream: w.at(1), Path: w.at(2), Headers: []flexilib.Field{{Name: "x-fetched", Value: "yes"}}}
		answer := filter.fetch.Ask(scene.Exchange, request, 1<<20)
		return answer == flexilib.Pause && scene.pause(answer)
	case "tick":
		return scene.tick(w.number(1))
	case "upload":
		number := scene.start(w, "POST", true)
		isWritten := number != 0 && filter.fetch.Write(number, []byte(w.at(3))) && filter.fetch.Write(number, []byte(w.at(3)))
		filter.fetch.Finish(number)
		return isWritten
	case "cancel":
		return filter.fetch.Cancel(scene.start(w, "", false))
	}
	return scene.share(w)
}

// A timer that comes again and again, until it has come often enough.
func (scene *scene) tick(count int64) bool {
	timer, resumer, left := scene.filter.timer, scene.Resumer(), count
	var number uint64
	number = timer.Start(-time.Millisecond, time.Microsecond, func() {
		if left--; left == 0 {
			timer.Stop(number)
			resumer.Resume(fmt.Sprint("ticked ", count))
		}
	})
	scene.answer = flexilib.Pause
	return timer.Now() != 0
}

// upload takes the answer to a fetch as it comes.
type upload struct {
	resumer flexilib.Resumer
	text    string
}

func (upload *upload) OnHead(status int, headers []flexilib.Field) {
	upload.text = fmt.Sprint(status, " ")
}
func (upload *upload) OnRoom() {}

func (upload *upload) OnBody(piece []byte) bool {
	upload.text += string(piece)
	return true
}

func (upload *upload) OnOver(failure int) {
	if failure != 0 {
		upload.text = fmt.Sprint("failed with ", failure)
	}
	upload.resumer.Resume(upload.text)
}

func (scene *scene) start(w words, method string, streamsBody bool) uint64 {
	request := flexilib.FetchRequest{Upstream: w.at(1), Path: w.at(2), Method: method, StreamsBody: streamsBody}
	number := scene.filter.fetch.Start(scene.Exchange, request, &upload{resumer: scene.Resumer()})
	if number != 0 {
		scene.answer = flexilib.Pause
	}
	return number
}

// Verbs about what all workers share.
func (scene *scene) share(w words) bool {
	filter := scene.filter
	switch w.at(0) {
	case "increment":
		sum, isDone := filter.dictionary.Increment(w.at(1), w.number(2), 0)
		scene.memory().result = fmt.Sprint(sum)
		return isDone
	case "put":
		return filter.dictionary.Set(w.at(1), []byte(w.at(2)), 0)
	case "get":
		value, isThere := filter.dictionary.Get(w.at(1))
		scene.memory().result = string(value)
		return isThere
	case "put-new":
		return filter.dictionary.Add(w.at(1), []byte(w.at(2)), time.Minute)
	case "put-briefly":
		past := filter.dictionary.Set("past "+w.at(1), []byte(w.at(2)), -time.Hour)
		return filter.dictionary.Set(w.at(1), []byte(w.at(2)), time.Nanosecond) && past
	case "put-over":
		return filter.dictionary.Replace(w.at(1), []byte(w.at(2)), []byte(w.at(3)), 0)
	case "take-away":
		return filter.dictionary.Remove(w.at(1))
	case "count":
		filter.counter.Series(w.at(1)).Add(float64(w.number(2)))
		return true
	case "level":
		filter.gauge.Series().Set(float64(w.number(1)))
		return true
	case "observe":
		filter.histogram.Series().Observe(float64(w.number(1)))
		return true
	}
	panic("there is no verb '" + w.at(0) + "'")
}

func (scene *scene) memory() *memory { return flexilib.State[memory](scene.Exchange) }

func (scene *scene) count() int64 {
	scene.memory().count++
	return scene.memory().count
}

func (scene *scene) pause(answer flexilib.Answer) bool {
	scene.answer = answer
	return true
}

// A reply that was refused is answered nevertheless, for the core to blame it.
func (scene *scene) reply(answer flexilib.Answer) bool {
	scene.answer = flexilib.Reply
	return answer == flexilib.Reply
}

// find is what a getter says.
func (scene *scene) find(w words) string {
	switch w.at(3) {
	case "method":
		return scene.Method()
	case "scheme":
		return scene.Scheme()
	case "authority":
		return scene.Authority()
	case "path":
		return scene.Path()
	case "query":
		return scene.Query()
	case "route":
		return scene.Route()
	case "address":
		return scene.PeerAddress()
	case "has-port":
		return yesOrNo(scene.PeerPort() != 0)
	case "request-id":
		return scene.RequestID()
	case "trace-id":
		return scene.TraceID()
	case "status":
		return fmt.Sprint(scene.Status())
	case "count":
		return fmt.Sprint(scene.count())
	case "result":
		return scene.memory().result
	}
	return scene.lookUp(w)
}

// Getters that look something up.
func (scene *scene) lookUp(w words) string {
	switch w.at(3) {
	case "header":
		return orNone(scene.named(w.at(4)).Header(w.at(5)))
	case "headers":
		var names []string
		for _, field := range scene.named(w.at(4)).Headers() {
			names = append(names, field.Name)
		}
		return strings.Join(names, ",")
	case "attribute":
		return orNone(scene.Attribute(w.at(4)))
	case "tls":
		return orNone(scene.TLS(int(w.number(4))))
	case "expansion":
		return scene.Expand(scene.filter.expansion)
	case "match":
		groups := scene.filter.pattern.Find(w.at(4), 0)
		return orNone(strings.Join(groups, "|"), groups != nil)
	case "in-ranges":
		return yesOrNo(scene.filter.ranges.Contain(w.at(4)))
	}
	panic("there is no getter '" + w.at(3) + "'")
}

func orNone(text string, isThere bool) string {
	if isThere {
		return text
	}
	return "-"
}

func yesOrNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func init() {
	flexilib.Register(flexilib.Description{
		Name: "conformance", Summary: "does what the request says", Version: "1", Options: options,
	}, create)
	flexilib.Register(flexilib.Description{
		Name: "blocking", Summary: "does what the request says", Version: "1", Options: options, Blocking: true, Concurrent: true,
	}, create)
	flexilib.Register(flexilib.Description{
		Name: "options", Summary: "replies with its options", Version: "1", Options: givenOptions,
	}, createGiven)
	flexilib.Register(flexilib.Description{
		Name: "observer", Summary: "counts bytes", Version: "1", Observes: true,
	}, createObserver)
	flexilib.Register(flexilib.Description{
		Name: "ticker", Summary: "streams and pauses", Version: "1",
	}, createTicker)
}

func main() {}
