//! Changes heads and bodies of both halves: requests arrive in lower case, responses in upper case, with a tail.

const flexilib = @import("flexilib.zig");
const std = @import("std");

/// Part by part: what an exchange allocates stays until it ends, which is too long for what each piece needs.
fn writeChanged(exchange: flexilib.Exchange, piece: []const u8, comptime change: fn ([]u8, []const u8) []u8) void {
    var room: [4096]u8 = undefined;
    var rest = piece;
    while (rest.len != 0) {
        const part = rest[0..@min(rest.len, room.len)];
        _ = exchange.write(change(&room, part));
        rest = rest[part.len..];
    }
}

const Rewrite = struct {
    pub const options = [_]flexilib.Option{
        flexilib.Option.of("tail", .TEXT, "what is added to responses").fallback(""),
    };

    tail: []const u8,

    pub fn create(setup: *const flexilib.Setup) !Rewrite {
        return .{ .tail = setup.option("tail").text() };
    }

    pub fn onRequestHead(_: *Rewrite, exchange: flexilib.Exchange) flexilib.Answer {
        _ = exchange.request().setHeader("x-rewritten", "request");
        return .proceed;
    }

    pub fn onRequestBody(_: *Rewrite, exchange: flexilib.Exchange, piece: []const u8, _: bool) flexilib.Answer {
        writeChanged(exchange, piece, std.ascii.lowerString);
        return .proceed;
    }

    pub fn onResponseHead(_: *Rewrite, exchange: flexilib.Exchange) flexilib.Answer {
        _ = exchange.response().setHeader("x-rewritten", "response");
        return .proceed;
    }

    pub fn onResponseBody(self: *Rewrite, exchange: flexilib.Exchange, piece: []const u8, last: bool) flexilib.Answer {
        writeChanged(exchange, piece, std.ascii.upperString);
        if (last) _ = exchange.write(self.tail);
        return .proceed;
    }
};

comptime {
    flexilib.library(&.{flexilib.filter(Rewrite, "rewrite", "changes both halves", "1.0")});
}
