-- What wrk sends, and how it reports: wrk -s load.lua URL -- KIND NUMBER
--
--   get 0          the URL as it is
--   gzip 0         the URL as it is, by clients that accept gzip
--   post BYTES     a body of so many bytes
--   routes COUNT   the paths /service-1 to /service-COUNT, in an order that caches cannot guess
--
-- The report is one line: requests, duration, p50, p99 (all in microseconds), errors.

function init(arguments)
    local kind, number = arguments[1], tonumber(arguments[2])
    if kind == "post" then
        wrk.method = "POST"
        wrk.body = string.rep("x", number)
    elseif kind == "gzip" then
        wrk.headers["Accept-Encoding"] = "gzip"
    elseif kind == "routes" then
        local path = wrk.path
        local current = 0
        request = function()
            current = (current + 7919) % number
            return wrk.format(nil, "/service-" .. (current + 1) .. path)
        end
    end
end

function done(summary, latency, requests)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format("report %d %d %d %d %d\n", summary.requests, summary.duration,
        latency:percentile(50), latency:percentile(99), failed))
end
