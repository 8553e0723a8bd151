//! FlexiLib's filter contract for Zig: copy this file beside your own. A filter is a struct with some of the functions
//! below; `library` makes the constant that FlexiLib looks for.
//!
//!     create(setup: *const Setup) !F                      makes a use of the filter
//!     destroy(self: *F) void
//!     onRequestHead, onResponseHead, onReplyBody (self: *F, exchange: Exchange) Answer
//!     onRequestBody, onResponseBody (self: *F, exchange: Exchange, piece: []const u8, last: bool) Answer
//!     onResume(self: *F, exchange: Exchange, result: Result) Answer
//!     onEnd(self: *F, exchange: Exchange) void
//!     quiesce(self: *F) bool and wake(self: *F) void, for an exclusive filter
//!
//! Each may return an error instead, which is logged by its name: create refuses then, and a hook fails. A panic ends the
//! worker, as Zig has no way to catch one. Everything else is as flexilib/filter.h says, which stays the reference and
//! stands here as `c`, with the extensions' headers.

const std = @import("std");

pub const c = @cImport({
    @cInclude("flexilib/filter.h");
    @cInclude("flexilib/ext/dictionary.h");
    @cInclude("flexilib/ext/fetch.h");
    @cInclude("flexilib/ext/metrics.h");
    @cInclude("flexilib/ext/offload.h");
    @cInclude("flexilib/ext/timer.h");
});

const allocator = std.heap.c_allocator;

pub const Answer = enum(i32) { proceed = 0, pause = 1, reply = 2, fail = 3 };
pub const Level = enum(i32) { debug = 0, info = 1, warning = 2, err = 3 };

/// Bits for `pub const flags` of a filter.
pub const blocking: u32 = 1;
pub const concurrent: u32 = 2;
pub const exclusive: u32 = 4;
pub const observes: u32 = 8;

fn slice(text: c.struct_flexilib_text) []const u8 {
    return if (text.length == 0) "" else text.data[0..text.length];
}

/// One half of an exchange.
pub const Half = struct {
    core: *const c.struct_flexilib_core,
    handle: *c.struct_flexilib_exchange,
    half: i32,

    /// The value of the first field of that name.
    pub fn header(self: Half, name: []const u8) ?[]const u8 {
        var value: c.struct_flexilib_text = undefined;
        return if (self.core.header.?(self.handle, self.half, name.ptr, name.len, &value)) slice(value) else null;
    }

    pub fn setHeader(self: Half, name: []const u8, value: []const u8) bool {
        return self.core.set_header.?(self.handle, self.half, name.ptr, name.len, value.ptr, value.len);
    }

    pub fn addHeader(self: Half, name: []const u8, value: []const u8) bool {
        return self.core.add_header.?(self.handle, self.half, name.ptr, name.len, value.ptr, value.len);
    }

    /// How many fields of that name there were.
    pub fn removeHeader(self: Half, name: []const u8) usize {
        return self.core.remove_header.?(self.handle, self.half, name.ptr, name.len);
    }

    /// All fields in order: while (fields.next()) |field| ...
    pub fn headers(self: Half) Headers {
        return .{ .half = self };
    }

    pub fn collect(self: Half, limit_bytes: u64) bool {
        return self.core.collect.?(self.handle, self.half, limit_bytes);
    }

    pub fn holdHead(self: Half) bool {
        return self.core.hold_head.?(self.handle, self.half);
    }

    pub fn decode(self: Half) bool {
        return self.core.decode.?(self.handle, self.half);
    }

    pub fn skipBody(self: Half) bool {
        return self.core.skip_body.?(self.handle, self.half);
    }
};

pub const Field = struct { name: []const u8, value: []const u8 };

pub const Headers = struct {
    half: Half,
    index: usize = 0,

    pub fn next(self: *Headers) ?Field {
        var field: c.struct_flexilib_pair = undefined;
        if (!self.half.core.header_at.?(self.half.handle, self.half.half, self.index, &field)) return null;
        self.index += 1;
        return .{ .name = slice(field.name), .value = slice(field.value) };
    }
};

/// One request and its response, for as long as the hook runs. Functions that return false have changed nothing, and said
/// why in the log.
pub const Exchange = struct {
    core: *const c.struct_flexilib_core,
    handle: *c.struct_flexilib_exchange,

    pub fn request(self: Exchange) Half {
        return .{ .core = self.core, .handle = self.handle, .half = c.FLEXILIB_REQUEST };
    }

    pub fn response(self: Exchange) Half {
        return .{ .core = self.core, .handle = self.handle, .half = c.FLEXILIB_RESPONSE };
    }

    /// The request's method, scheme, authority, path, query, peer_address, route, request_id or trace_id:
    /// exchange.get(.path).
    pub fn get(self: Exchange, comptime what: @TypeOf(.literal)) []const u8 {
        return slice(@field(self.core, @tagName(what)).?(self.handle));
    }

    /// Sets method, scheme, authority, path, query or upstream: exchange.set(.path, "/elsewhere").
    pub fn set(self: Exchange, comptime what: @TypeOf(.literal), text: []const u8) bool {
        return @field(self.core, "set_" ++ @tagName(what)).?(self.handle, text.ptr, text.len);
    }

    /// The client's; 0 where it is not known.
    pub fn peerPort(self: Exchange) u16 {
        return self.core.peer_port.?(self.handle);
    }

    /// 0 before there is a response.
    pub fn status(self: Exchange) i32 {
        return self.core.status.?(self.handle);
    }

    pub fn setStatus(self: Exchange, code: i32) bool {
        return self.core.set_status.?(self.handle, code);
    }

    /// A fact about the client's TLS, by its number in filter.h.
    pub fn tls(self: Exchange, fact: i32) ?[]const u8 {
        var value: c.struct_flexilib_text = undefined;
        return if (self.core.tls.?(self.handle, fact, &value)) slice(value) else null;
    }

    pub fn attribute(self: Exchange, name: []const u8) ?[]const u8 {
        var value: c.struct_flexilib_text = undefined;
        return if (self.core.attribute.?(self.handle, name.ptr, name.len, &value)) slice(value) else null;
    }

    pub fn setAttribute(self: Exchange, name: []const u8, value: []const u8) bool {
        return self.core.set_attribute.?(self.handle, name.ptr, name.len, value.ptr, value.len);
    }

    /// What a template says for this exchange now: exchange.expand(value.expansion).
    pub fn expand(self: Exchange, expansion: ?*const c.struct_flexilib_template) []const u8 {
        return slice(self.core.expand.?(self.handle, expansion));
    }

    /// Looks for the regular expression of an option (value.raw.regex) in the text, from that byte on. Fills groups, the
    /// whole match first, and returns how many there are, 0 where nothing matches.
    pub fn match(self: Exchange, regex: ?*const c.struct_flexilib_regex, text: []const u8, from: usize, groups: []c.struct_flexilib_text) usize {
        return self.core.match.?(regex, text.ptr, text.len, from, groups.ptr, groups.len);
    }

    /// Whether an address (as get(.peer_address) gives it) is in the ranges of an option (value.raw.ranges).
    pub fn inRanges(self: Exchange, ranges: ?*const c.struct_flexilib_ranges, address: []const u8) bool {
        return self.core.in_ranges.?(ranges, address.ptr, address.len);
    }

    /// The filter's own value for this exchange, which begins as .{}. Its memory goes when the exchange ends.
    pub fn state(self: Exchange, comptime T: type) *T {
        if (self.core.state.?(self.handle)) |own| return @ptrCast(@alignCast(own));
        const own: *T = @ptrCast(@alignCast(self.allocate(@sizeOf(T)).ptr));
        own.* = .{};
        self.core.set_state.?(self.handle, own);
        return own;
    }

    /// Memory that lives until the exchange ends.
    pub fn allocate(self: Exchange, size: usize) []u8 {
        const memory: [*]u8 = @ptrCast(self.core.allocate.?(self.handle, size).?);
        return memory[0..size];
    }

    /// A text in such memory.
    pub fn print(self: Exchange, comptime format: []const u8, arguments: anytype) []const u8 {
        const text = self.allocate(@as(usize, @intCast(std.fmt.count(format, arguments))));
        return std.fmt.bufPrint(text, format, arguments) catch unreachable;
    }

    /// Sets the whole response: return exchange.reply(404, "text/plain", "not here\n");
    pub fn reply(self: Exchange, code: i32, content_type: []const u8, body: []const u8) Answer {
        const is_set = self.core.reply.?(self.handle, code, content_type.ptr, content_type.len, body.ptr, body.len);
        return if (is_set) .reply else .fail;
    }

    /// Begins a response whose body onReplyBody writes by and by.
    pub fn replyStream(self: Exchange, code: i32, content_type: []const u8) Answer {
        const is_set = self.core.reply_stream.?(self.handle, code, content_type.ptr, content_type.len);
        return if (is_set) .reply else .fail;
    }

    pub fn endReply(self: Exchange) bool {
        return self.core.end_reply.?(self.handle);
    }

    /// In a body hook: sends on what it was given.
    pub fn pass(self: Exchange) bool {
        return self.core.pass.?(self.handle);
    }

    /// In a body hook: sends on bytes of its own.
    pub fn write(self: Exchange, data: []const u8) bool {
        return self.core.write.?(self.handle, data.ptr, data.len);
    }

    /// Ends the pause that this hook is about to ask for by .pause.
    pub fn resumer(self: Exchange) Resumer {
        return .{ .core = self.core, .ticket = self.core.ticket.?(self.handle) };
    }

    pub fn log(self: Exchange, level: Level, line: []const u8) void {
        self.core.log.?(self.core, self.handle, @intFromEnum(level), line.ptr, line.len);
    }
};

/// Ends a pause, from any thread, until the filter's destroy has returned.
pub const Resumer = struct {
    core: *const c.struct_flexilib_core,
    ticket: u64,

    /// Has onResume called with that value. Where nobody takes it, it is forgotten; a struct's deinit is called.
    pub fn send(self: Resumer, value: anytype) void {
        const Sent = Parcel(@TypeOf(value));
        const parcel = allocator.create(Sent) catch @panic("out of memory");
        parcel.* = .{ .head = .{ .kind = @typeName(@TypeOf(value)) }, .value = value };
        self.core.@"resume".?(self.core, self.ticket, parcel, Sent.drop);
    }
};

const Head = extern struct { kind: [*:0]const u8 };

fn Parcel(comptime T: type) type {
    return struct {
        const Self = @This();
        head: Head,
        value: T,

        fn drop(memory: ?*anyopaque) callconv(.C) void {
            const parcel: *Self = @ptrCast(@alignCast(memory.?));
            if (@typeInfo(T) == .Struct and @hasDecl(T, "deinit")) parcel.value.deinit();
            allocator.destroy(parcel);
        }
    };
}

/// What onResume is given.
pub const Result = struct {
    memory: ?*anyopaque,

    /// The value; null where there is none, as after a timer. To be called once, with the type that was sent.
    pub fn take(self: Result, comptime T: type) ?T {
        const parcel: *Parcel(T) = @ptrCast(@alignCast(self.memory orelse return null));
        if (!std.mem.eql(u8, std.mem.span(parcel.head.kind), @typeName(T))) return null;
        defer allocator.destroy(parcel);
        return parcel.value;
    }
};

/// An entry of the option table: Option.of("greeting", .TEXT, "what is said").fallback("Hello").
pub const Option = struct {
    entry: c.struct_flexilib_option,

    /// kind: as filter.h calls it, behind FLEXILIB_OPTION_.
    pub fn of(name: ?[*:0]const u8, comptime kind: @TypeOf(.literal), summary: [*:0]const u8) Option {
        var entry = std.mem.zeroes(c.struct_flexilib_option);
        entry.name = name orelse null;
        entry.type = @field(c, "FLEXILIB_OPTION_" ++ @tagName(kind));
        entry.summary = summary;
        return .{ .entry = entry };
    }

    pub fn required(self: Option) Option {
        var option = self;
        option.entry.required = true;
        return option;
    }

    pub fn fallback(self: Option, value: [*:0]const u8) Option {
        var option = self;
        option.entry.fallback = value;
        return option;
    }

    pub fn between(self: Option, least: i64, most: i64) Option {
        var option = self;
        option.entry.minimum = least;
        option.entry.maximum = most;
        return option;
    }
};

/// What stands in the configuration for one option.
pub const Value = struct {
    core: *const c.struct_flexilib_core,
    raw: *const c.struct_flexilib_value,
    index: i32,

    pub fn text(self: Value) []const u8 {
        return slice(self.raw.text);
    }

    pub fn list(self: Value, index: usize) []const u8 {
        return slice(self.raw.list[index]);
    }

    /// return setup.option("greeting").refuse("a greeting has no digits"): a sentence, shown with the option's place.
    pub fn refuse(self: Value, sentence: []const u8) error{Refused} {
        self.core.refuse.?(self.core, self.index, sentence.ptr, sentence.len);
        return error.Refused;
    }
};

/// What create has put off by deferReady. May be kept, and used from any thread, until destroy has returned.
pub const Ready = struct {
    core: *const c.struct_flexilib_core,

    /// It is done: ready.set(null). Or it has failed, with a sentence as for refuse.
    pub fn set(self: Ready, failure: ?[]const u8) void {
        const sentence = failure orelse "";
        self.core.set_ready.?(self.core, sentence.ptr, sentence.len);
    }
};

/// What create is given.
pub const Setup = struct {
    core: *const c.struct_flexilib_core,
    options: []const Option,
    values: [*]const c.struct_flexilib_value,

    pub fn option(self: Setup, name: []const u8) Value {
        for (self.options, 0..) |entry, i| {
            if (std.mem.eql(u8, std.mem.span(entry.entry.name), name))
                return .{ .core = self.core, .raw = &self.values[i], .index = @intCast(i) };
        }
        @panic("there is no such option");
    }

    /// Refuses any value in what create was given, also in a table or a list:
    /// return setup.refuse(&value.raw.values[0], "a name has no blanks").
    pub fn refuse(self: Setup, value: *const c.struct_flexilib_value, sentence: []const u8) error{Refused} {
        self.core.refuse_value.?(self.core, value, sentence.ptr, sentence.len);
        return error.Refused;
    }

    /// Something has to be done before requests can be served: they wait until `set` is called on what this gives.
    pub fn deferReady(self: Setup) Ready {
        self.core.defer_ready.?(self.core);
        return .{ .core = self.core };
    }

    /// An extension's table: try setup.extension(c.struct_flexilib_timer, c.FLEXILIB_TIMER).
    pub fn extension(self: Setup, comptime Table: type, id: [*:0]const u8) !*const Table {
        const table = self.core.extension.?(self.core, id) orelse return error.ExtensionIsMissing;
        return @ptrCast(@alignCast(table));
    }
};

/// An entry for `library`: the filter's type, its name, what it is, and its version.
pub fn filter(comptime F: type, name: [*:0]const u8, summary: [*:0]const u8, version: [*:0]const u8) c.struct_flexilib_filter {
    const hooks = Hooks(F);
    var table = std.mem.zeroes(c.struct_flexilib_filter);
    table.name = name;
    table.summary = summary;
    table.version = version;
    if (hooks.options.len != 0) table.options = @ptrCast(&hooks.options);
    table.option_count = hooks.options.len;
    table.create = hooks.create;
    table.destroy = hooks.destroy;
    if (@hasDecl(F, "onRequestHead")) table.on_request_head = hooks.requestHead;
    if (@hasDecl(F, "onRequestBody")) table.on_request_body = hooks.requestBody;
    if (@hasDecl(F, "onResponseHead")) table.on_response_head = hooks.responseHead;
    if (@hasDecl(F, "onResponseBody")) table.on_response_body = hooks.responseBody;
    if (@hasDecl(F, "onReplyBody")) table.on_reply_body = hooks.replyBody;
    if (@hasDecl(F, "onResume")) table.on_resume = hooks.resumed;
    if (@hasDecl(F, "onEnd")) table.on_end = hooks.end;
    if (@hasDecl(F, "quiesce")) table.quiesce = hooks.quiesce;
    if (@hasDecl(F, "wake")) table.wake = hooks.wake;
    if (@hasDecl(F, "flags")) table.flags = F.flags;
    return table;
}

/// Exports the library: comptime { flexilib.library(&.{flexilib.filter(Greeter, "answer", "answers", "1.0")}); }
pub fn library(comptime filters: []const c.struct_flexilib_filter) void {
    const exported = struct {
        const table: c.struct_flexilib_library = .{
            .abi_major = c.FLEXILIB_ABI_MAJOR,
            .abi_minor = c.FLEXILIB_ABI_MINOR,
            .size = @sizeOf(c.struct_flexilib_library),
            .filter_size = @sizeOf(c.struct_flexilib_filter),
            .option_size = @sizeOf(c.struct_flexilib_option),
            .value_size = @sizeOf(c.struct_flexilib_value),
            .filter_count = filters.len,
            .filters = filters.ptr,
        };
    };
    @export(exported.table, .{ .name = "flexilib_library" });
}

/// The functions of the table, for a filter of type F.
fn Hooks(comptime F: type) type {
    return struct {
        const Handle = ?*c.struct_flexilib_exchange;
        const options = if (@hasDecl(F, "options")) F.options else [_]Option{};
        const Use = struct { core: *const c.struct_flexilib_core, filter: F };

        comptime {
            if (@sizeOf(Option) != @sizeOf(c.struct_flexilib_option)) @compileError("an option is not as in C");
        }

        fn create(core: [*c]const c.struct_flexilib_core, values: [*c]const c.struct_flexilib_value, made: [*c]?*anyopaque) callconv(.C) bool {
            const setup = Setup{ .core = core, .options = &options, .values = @ptrCast(values) };
            const used = allocator.create(Use) catch return false;
            used.* = .{ .core = core, .filter = make(&setup) catch |problem| {
                if (problem != error.Refused) {
                    const name = @errorName(problem);
                    setup.core.refuse.?(core, -1, name.ptr, name.len);
                }
                allocator.destroy(used);
                return false;
            } };
            made.* = used;
            return true;
        }

        fn make(setup: *const Setup) anyerror!F {
            return if (@hasDecl(F, "create")) F.create(setup) else .{};
        }

        fn destroy(data: ?*anyopaque) callconv(.C) void {
            const used = use(data);
            if (@hasDecl(F, "destroy")) used.filter.destroy();
            allocator.destroy(used);
        }

        fn use(data: ?*anyopaque) *Use {
            return @ptrCast(@alignCast(data.?));
        }

        fn exchangeOf(used: *Use, handle: Handle) Exchange {
            return .{ .core = used.core, .handle = handle.? };
        }

        fn settle(used: *Use, handle: Handle, hook: []const u8, result: anyerror!Answer) c.flexilib_answer {
            const answer = result catch |problem| {
                const exchange = exchangeOf(used, handle);
                exchange.log(.err, exchange.print("{s} has failed with {s}", .{ hook, @errorName(problem) }));
                return c.FLEXILIB_FAIL;
            };
            return @intFromEnum(answer);
        }

        fn requestHead(data: ?*anyopaque, handle: Handle) callconv(.C) c.flexilib_answer {
            const used = use(data);
            return settle(used, handle, "onRequestHead", used.filter.onRequestHead(exchangeOf(used, handle)));
        }

        fn responseHead(data: ?*anyopaque, handle: Handle) callconv(.C) c.flexilib_answer {
            const used = use(data);
            return settle(used, handle, "onResponseHead", used.filter.onResponseHead(exchangeOf(used, handle)));
        }

        fn replyBody(data: ?*anyopaque, handle: Handle) callconv(.C) c.flexilib_answer {
            const used = use(data);
            return settle(used, handle, "onReplyBody", used.filter.onReplyBody(exchangeOf(used, handle)));
        }

        fn requestBody(data: ?*anyopaque, handle: Handle, piece: [*c]const u8, length: usize, last: bool) callconv(.C) c.flexilib_answer {
            const used = use(data);
            const bytes: []const u8 = if (length == 0) "" else piece[0..length];
            return settle(used, handle, "onRequestBody", used.filter.onRequestBody(exchangeOf(used, handle), bytes, last));
        }

        fn responseBody(data: ?*anyopaque, handle: Handle, piece: [*c]const u8, length: usize, last: bool) callconv(.C) c.flexilib_answer {
            const used = use(data);
            const bytes: []const u8 = if (length == 0) "" else piece[0..length];
            return settle(used, handle, "onResponseBody", used.filter.onResponseBody(exchangeOf(used, handle), bytes, last));
        }

        fn resumed(data: ?*anyopaque, handle: Handle, result: ?*anyopaque) callconv(.C) c.flexilib_answer {
            const used = use(data);
            return settle(used, handle, "onResume", used.filter.onResume(exchangeOf(used, handle), .{ .memory = result }));
        }

        fn end(data: ?*anyopaque, handle: Handle) callconv(.C) void {
            const used = use(data);
            used.filter.onEnd(exchangeOf(used, handle));
        }

        fn quiesce(data: ?*anyopaque) callconv(.C) bool {
            return use(data).filter.quiesce();
        }

        fn wake(data: ?*anyopaque) callconv(.C) void {
            use(data).filter.wake();
        }
    };
}
