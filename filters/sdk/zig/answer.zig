//! A handler: answers by itself.

const flexilib = @import("flexilib.zig");

const Greeter = struct {
    pub const options = [_]flexilib.Option{
        flexilib.Option.of("greeting", .TEXT, "what is said").fallback("Hello"),
    };

    greeting: []const u8,

    pub fn create(setup: *const flexilib.Setup) !Greeter {
        return .{ .greeting = setup.option("greeting").text() };
    }

    pub fn onRequestHead(self: *Greeter, exchange: flexilib.Exchange) flexilib.Answer {
        const text = exchange.print("{s}, you asked for {s}\n", .{ self.greeting, exchange.get(.path) });
        return exchange.reply(200, "text/plain", text);
    }
};

comptime {
    flexilib.library(&.{flexilib.filter(Greeter, "answer", "answers by itself", "1.0")});
}
