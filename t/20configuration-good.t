# What a configuration may say: every one of these passes the check.

use lib 't/lib';
use FlexiLib::Test;

my @cases = (
    ['nothing to serve', "routes: []\n"],
    ['a comment', "# nothing\nroutes: []\n"],
    ['a byte order mark and CR LF', "\xef\xbb\xbflisten: 8080\r\nroutes: []\r\n"],
    ['a document that says where it begins and ends', "%YAML 1.2\n---\nlisten: 8080\n...\n"],
    ['every listener', "listen:\n  - 8080\n  - 127.0.0.1:8081\n  - localhost:8082\n  - \"[::1]:8083\"\n  - unix:run.sock\n  - { address: 0, name: any }\n  - 0\n"],
    ['a listener by variables', "listen: \"\${ADDRESS:-127.0.0.1}:\${PORT:-8069}\"\n"],
    ['one listener as a mapping', "listen: { address: 8080, name: front.1 }\n"],
    ['a listener without HTTP/2', "listen: { address: 8080, http2: no }\n"],
    ['variables for workers, as the original has them', "workers: \"\${SERVER_THREAD_COUNT:-auto}\"\n", env => { SERVER_THREAD_COUNT => 4 }],
    ['the variables alone', "routes: []\n", env => { PORT => 0, ADDRESS => '::1', SERVER_THREAD_COUNT => 2, RESPONSE_PREALLOCATION_KB => 8 }],
    ['no admin listener', "admin: off\n"],
    ['an admin listener by a port', "admin: 9070\n"],
    ['the usual admin listener', "admin: on\n", env => { FLEXILIB_ADMIN => undef }],
    ['an admin listener by a variable', "routes: []\n", env => { FLEXILIB_ADMIN => '[::1]:9070' }],
    ['every setting', <<'YAML'],
listen: 0
workers: 2
user: nobody
access_log: off
body_limit: 1GB
body_rate: 0
head_limit: 32KB
header_limit: 50
header_timeout: 10s
body_timeout: 1m
keep_alive_timeout: 1.5s
write_timeout: 30s
handler_timeout: 2m
create_timeout: 3s
stuck_timeout: off
drain_timeout: 0
shutdown_timeout: 1h
shutdown_delay: 5s
admin: { address: unix:admin.sock, access_log: yes, mode: 0600, backlog: 16 }
arena: 0
watch: all
library_path: [one, two]
libraries: {}
upstreams: {}
resolver: { servers: [127.0.0.1, "127.0.0.2:5353", "::1", "[::1]", "[::1]:53"], timeout: 500ms }
pool: { threads: 4096, queue: 0, share: 100 }
filters: []
routes: []
YAML
    ['upstreams in every form', <<'YAML'],
upstreams:
  one: http://127.0.0.1
  name: http://no-such-host.invalid:3000/
  several: [http://127.0.0.1:3000, "http://[::1]:3001", { url: http://127.0.0.1:3002, weight: 256 }]
  local: http+unix:/run/app.sock
  long:
    servers: http+unix:app.sock
    connect_timeout: 250ms
    response_timeout: 1h
    idle_timeout: 1d
    keep_alive: 0
  safe: https://shop.example
  mixed:
    servers: [http://127.0.0.1:1, "https://[::1]:8443/", HTTPS://127.0.0.1]
    tls: { server_name: "::1", insecure: no }
    tls_timeout: 1s
  loose: { servers: https://shop.example, tls: { insecure: yes } }
routes:
  - { match: /a, proxy: one }
  - { match: /b, proxy: { to: several, strip: /b, host: server } }
  - { match: /c, proxy: http+unix:/run/other.sock }
  - { match: /d, proxy: { to: http://127.0.0.1:3000, strip: /d/ } }
  - proxy: http://localhost:3000/
YAML
    ['upstreams that say everything', <<'YAML'],
upstreams:
  one:
    servers:
      - { url: http://127.0.0.1, weight: 1, backup: no, max_requests: 0, max_connections: 1000000 }
      - { url: http://127.0.0.2, backup: true }
    balance: least-requests
    sticky: { cookie: sid, path: /, max_age: 400d, secure: no, same_site: strict }
    health: { path: "/healthz?a=b", host: "[::1]:80", every: 10ms, timeout: 10ms, healthy_after: 1, unhealthy_after: 1000, status: [200-299, 304, 4XX], body: "" }
    eject: { failures: 1000, time: 1ms, longest: 1ms, status: [] }
    slow_start: 1d
    retry: { tries: 16, on: [failure, timeout, 502, 503-504, 4xx], methods: [GET, PURGE], budget: 0 }
    max_requests: 1000000
    max_connections: 5
    queue: { length: 0, timeout: 1ms }
    connect_timeout: 1ms
    tls_timeout: 1ms
    send_timeout: 1ms
    response_timeout: 1ms
    idle_timeout: 1ms
    try_timeout: 1s
    total_timeout: 1s
    tunnel_timeout: 1d
    proxy_protocol: v1
  two: { servers: http://a, balance: round-robin, sticky: sid, health: /, eject: no, retry: off, queue: false, proxy_protocol: no }
  three: { servers: http://a, balance: random-two, sticky: no, health: no, eject: yes, retry: on, queue: true, proxy_protocol: v2 }
  four: { servers: [http://a, http://b], balance: { hash: address } }
  five: { servers: http://a, balance: { hash: path }, sticky: { cookie: __Host-a, secure: yes, same_site: none } }
  six: { servers: http://a, balance: { hash: { header: X-User } }, sticky: "None" }
  seven: { servers: http://a, balance: { hash: { cookie: sid } }, try_timeout: 5s }
  quick: { servers: http://a, health: { path: /, every: 100ms }, eject: { time: 1h } }
YAML
    ['parts that stand in several upstreams', <<'YAML'],
upstreams:
  one: { servers: http://a, health: &health { path: /, every: 1s }, retry: &retry { tries: 3 } }
  two: { servers: http://b, health: *health, retry: *retry }
YAML
    ['switches by variable', "upstreams: { a: { servers: http://a, retry: \"\${SAY:-no}\", eject: \"\${SAY:-off}\", queue: \"no\", health: \"\${SAY:-no}\" } }\n"],
    ['requests that are rewritten', <<'YAML'],
routes:
  - match: /a
    proxy:
      to: http://a
      strip: /a
      prefix: /v1/
      host: shop.internal:8080
      forwarded: standard
      location: keep
      cookie_domain: { .shop.internal: shop.example, other: "" }
      cookie_path: { /v1: /a, /: / }
      upgrade: [websocket, IRC/6.9]
  - { match: /b, proxy: { to: http://a, host: "serve", forwarded: both, upgrade: any } }
  - { match: /c, proxy: { to: http://a, host: "[::1]:80", forwarded: none, upgrade: no, cookie_domain: {}, cookie_path: {} } }
  - { match: /d, proxy: { to: http://a, host: shop, forwarded: x, client_certificate: yes, location: map, upgrade: websocket, prefix: / } }
YAML
    ['pages and proxies of their own', <<'YAML', files => { 'a.html' => '', 'b' => 'x', 'd/1.yaml' => "error_pages: { 404: ../b }\ntrusted_proxies: \"::/0\"\n" }],
include: d/1.yaml
error_pages: { 403: a.html, 400-499: b, 5xx: ./a.html }
trusted_proxies: [private, 10.0.0.0/8, 192.0.2.1, "::1", "::ffff:192.0.2.0/120", 0.0.0.0/0]
routes:
  - error_pages: { 404: a.html }
    routes:
      - { error_pages: { 404: b, 4xx: a.html }, handler: hello }
      - { error_pages: {}, handler: hello }
YAML
    ['sockets as they shall be', "listen:\n  - { address: 0, backlog: 1, half_close: yes }\n  - { address: unix:a, mode: 0660, owner: root, group: 0, backlog: 2147483647 }\n  - { address: unix:b, mode: '600' }\n"],
    ['limits of connections', "max_connections: 2147483647\nmax_connections_per_address: 1\nlisten:\n  - { address: 0, max_connections: 1 }\n  - { address: 127.0.0.1:0, max_connections: 0 }\n"],
    ['headers of the PROXY protocol', "trusted_proxies: [unix]\nlisten:\n  - { address: 0, proxy_protocol: yes }\n  - { address: 127.0.0.1:0, proxy_protocol: no }\n  - { address: \"[::1]:0\", proxy_protocol: private }\n  - { address: 127.0.0.2:0, proxy_protocol: [\"::/0\", unix, 10.0.0.0/8] }\n  - { address: 127.0.0.3:0, proxy_protocol: [] }\n"],
    ['compression in every form', <<'YAML'],
compress: on
routes:
  - match: /a
    compress: { codings: [gzip, br, zstd], types: [Text/HTML, "*/*", text/*, application/*+json, image/svg+xml], min_length: 0, level: best }
    routes:
      - { compress: no, handler: hello }
  - { match: /b, compress: { codings: br, types: text/event-stream, min_length: 1MB, level: { gzip: 9, br: 0, zstd: 12 } }, handler: hello }
  - { match: /c, compress: {}, handler: hello }
  - { match: /d, compress: "${SAY:-no}", handler: hello }
  - { match: /e, compress: { level: { gzip: 1 } }, handler: hello }
YAML
    ['a trusted proxy alone', "trusted_proxies: private\n"],
    ['nobody trusted', "trusted_proxies: []\nerror_pages: {}\n"],
    ['https by a proxy in front', "trusted_proxies: 10.0.0.1\nhttps_only: yes\nacme_challenges: not/there/yet\n"],
    ['https in all detail', "listen: [{ address: 0, name: a, https_only: no }, { address: 1, https_only: yes }]\ntrusted_proxies: unix\n"
            . "https_only: { port: 8443, hsts: 365d, subdomains: yes, preload: yes, except: [/healthz, =/a, /b*] }\n"],
    ['https without memory', "trusted_proxies: unix\nhttps_only: { hsts: no, subdomains: no, except: /healthz }\n"],
    ['https to be forgotten', "trusted_proxies: unix\nhttps_only: { hsts: 0, subdomains: yes }\n"],
    ['https not wanted', "https_only: no\n"],
    ['matches in every form', <<'YAML'],
listen: [{ address: 0, name: front }, { address: 0, name: back }]
routes:
  - { match: /a, handler: hello }
  - { match: =/a, handler: hello }
  - { match: /b*, handler: hello }
  - { match: /c/, handler: hello }
  - { match: [/d, =/e, /f*], handler: hello }
  - { match: "/g%2Fh", handler: hello }
  - match:
      listener: [front, back]
      host: [example.com, "*.example.com", shop*, =EXAMPLE.org]
      path: /i
      methods: [GET, POST, PROPFIND]
      headers:
        x-exact: =one
        x-prefix: one
        x-absent: ~
        x-several: [=one, two, ~]
    handler: hello
  - { match: { method: GET }, handler: hello }
  - { handler: hello }
YAML
    ['filters in every form', <<'YAML'],
filters:
  - headers
  - headers: { response_set: { x-one: "1" } }
  - headers:
  - use: headers
    on_error: open
    options: { response_set: { x-two: "2" } }
routes:
  - match: /a
    filters: headers
    handler: { use: hello }
  - match: /b
    skip: [headers]
    routes:
      - { match: /b/c, filters: [{ use: headers, on_error: closed }], handler: echo }
      - { skip: headers, handler: hello.hello }
YAML
    ['redirects and replies', <<'YAML'],
routes:
  - { match: /a, redirect: /b }
  - { match: /c, redirect: "https://{host}{path}{query}" }
  - { match: /d, redirect: { to: "{scheme}://www.example.com{path}?from={host}&{query}", status: 308 } }
  - { match: /e, redirect: { to: "{path}/{query}", status: "301" } }
  - { match: /f, respond: 204 }
  - { match: /g, respond: { body: "" } }
  - respond:
      status: 503
      headers: { Content-Type: text/html, retry-after: "120", x-empty: "" }
      body: |
        <h1>Back soon</h1>
YAML
    ['files in every form', <<'YAML'],
routes:
  - { match: /a, files: . }
  - { match: /b, files: /usr/share }
  - { match: /c, files: { root: . } }
  - { match: /d, files: { root: ., index: [] } }
  - { match: /e, files: { root: no/such/folder, index: index.html } }
  - files:
      root: .
      index: [index.html, index.htm]
      fallback: app/index.html
      precompressed: yes
YAML
    ['libraries with names', "libraries: { greet: hello, again: { path: BUILD/filters/hello.so } }\nroutes:\n  - { match: /a, handler: greet }\n  - handler: again.hello\n"],
    ['libraries by path', "filters: [BUILD/filters/headers.so]\nroutes: [{ handler: { use: BUILD/filters/echo.so } }]\n"],
    ['anchors', "routes:\n  - { match: { host: a }, routes: &both [{ name: x, match: /x, handler: hello }, { handler: echo }] }\n  - { match: { host: b }, routes: *both }\n"],
    ['a literal dollar sign', "filters: [{ headers: { response_set: { x-price: \"\$5\", x-text: \"\$\${{NAME}}\" } } }]\n"],
    ['variables in keys, defaults and quotes', "upstreams: { \"\${NAME:-shop}\": \"http://\${HOST_OF_SHOP:-127.0.0.1}:3000\" }\nroutes: [{ proxy: shop }]\n"],
    ['includes', "include: d/*.yaml\nlisten: 0\nroutes:\n  - include: [r.yaml, none/*.yaml]\n  - { match: /b, routes: [{ include: r.yaml }] }\n",
        files => {
            'd/1.yaml'   => "listen: 0\nupstreams: { one: http://127.0.0.1:1 }\nroutes: [{ match: /1, proxy: two }]\n",
            'd/2.yaml'   => "upstreams: { two: http://127.0.0.1:2 }\nfilters: [headers]\ninclude: more/x.yaml\n",
            'd/more/x.yaml' => "workers: 1\n",
            'r.yaml'     => "- { match: /r, handler: hello }\n",
        }],
);

my @ini_cases = (
    ['an empty proxy.ini', ''],
    ['rules, comments and blank lines', "# rules\n\n/hello = BUILD/filters/hello.so # greets\r\nHost: iam / = BUILD/filters/echo.so\n"],
    ['a library that is not there yet', "/ = ./late.so\n"],
);

check_case('flexilib.yaml', @$_) for @cases;
check_case('proxy.ini',     @$_) for @ini_cases;
done_testing;

sub check_case {
    my ($file, $claim, $content, %option) = @_;
    my $build = build_folder();
    $content =~ s/\bBUILD\b/$build/g;
    my $result = run_flexilib(['check', '-c', $file], file => $file, config => $content, files => $option{files}, env => $option{env});
    subtest $claim => sub {
        is($result->{status}, 0, 'the status') or diag($result->{err});
        is($result->{out}, "$file: ok\n", 'the answer');
    };
    return;
}
