# Every mistake in a configuration is told with its place and in these very words.
#
# A case is [claim, the file, the first line of the message, more]: the message stands without `flexilib.yaml:` where it
# begins with a line number. `files` are written beside it, `env` is set, `shown` is the source line with the caret.

use lib 't/lib';
use FlexiLib::Test;

my @cases = (
    # YAML itself
    ['a tab as indentation', "upstreams:\n\ta: http://a\n", '2:1: a tab stands where only spaces may: YAML is indented with spaces'],
    ['a tab as indentation, deeper', "listen:\n  - 80\n\t- 81\n", '3:1: a tab stands where only spaces may: YAML is indented with spaces'],
    ['a quote that is never closed', "user: nobody\naccess_log: \"x\nroutes: []\n", '2:13: this quote is never closed'],
    ['a bracket that is never closed', "listen: [80, 81\nroutes: []\n", "2:7: a ',' or the closing ']' is missing here"],
    ['a brace that is never closed', "routes:\n  - { match: /a, handler: hello\n  - { match: / }\n", "3:5: a ',' or the closing '}' is missing here"],
    ['a comma that is missing', "routes:\n  - { match: /a handler: hello }\n", "2:24: a ',' or the closing '}' is missing here"],
    ['two values on a line', "user: a: b\n", "1:8: a ':' cannot stand here: put a text that holds ': ' in quotes, or check the indentation and the line before"],
    ['a key without a colon', "user nobody\nlisten: 80\n", "2:7: a ':' cannot stand here: put a text that holds ': ' in quotes, or check the indentation and the line before"],
    ['a last key without a colon', "listen: 80\nuser\n", "2:1: a ':' is missing after this key"],
    ['a colon without a blank', "# a\nlisten:8080\n\n# b\nroutes:\n  - handler: hello\n", "2:7: a blank is missing after this ':'",
        shown => ['listen:8080', '      ^']],
    ['a colon without a blank, in a list', "routes:\n  - match:/api\n    handler: hello\n", "2:10: a blank is missing after this ':'"],
    ['a last colon without a blank', "routes:\n  - match: /api\n    handler:hello\n", "3:12: a blank is missing after this ':'"],
    ['a dash without a blank', "routes:\n  -match: /\n   handler: hello\n", "2:3: a blank is missing after this '-'"],
    ['a comment of another language', "// ours\nlisten: 8080\n", "1:1: a comment begins with '#'"],
    ['an address that is no key', "listen:\n  - localhost: 80\n   user: x\n", "3:4: a list item that begins with '-' is wanted here; check the indentation"],
    ['a URL that is no key', "user: http://a\n  b: c\n", "2:4: a ':' cannot stand here: put a text that holds ': ' in quotes, or check the indentation and the line before"],
    ['a caret behind other alphabets', "routes:\n  - { name: \"\xc3\x9cber \xe6\x97\xa5\xe6\x9c\xac\", handlr: hello }\n", "2:24: unknown key 'handlr' in a route (did you mean 'handler'?)",
        shown => ["  - { name: \"\xc3\x9cber \xe6\x97\xa5\xe6\x9c\xac\", handlr: hello }", ' ' x 25 . '^']],
    ['a list item in the wrong column', "listen:\n  - 80\n - 81\n", "3:2: a 'key: value' is wanted here; check the indentation"],
    ['a key in the wrong column', "upstreams:\n  a: http://a\n b: http://b\n", "3:2: a 'key: value' is wanted here; check the indentation"],
    ['a host that begins with a star', "routes:\n  - match: { host: *.example.com }\n    handler: hello\n", "2:20: a text that begins with '*' must stand in quotes"],
    ['an alias that nobody defined', "routes: *shop\n", "1:9: '*shop' refers to '&shop', which is not defined before it (a text that begins with '*' must stand in quotes)"],
    ['an alias within itself', "routes: &a [*a]\n", "1:13: '*a' refers to '&a', which is not defined before it (a text that begins with '*' must stand in quotes)"],
    ['a text that begins with @', "user: \@nobody\n", "1:7: a text that begins with '\@' must stand in quotes"],
    ['a text that begins with %', "user:\n  %a\n", "2:3: a text that begins with '%' must stand in quotes"],
    ['a directive', "%FOO bar\n---\nuser: nobody\n", "1:1: a line that begins with '%' is a directive, which is not used here"],
    ['a tag', "user: !secret nobody\n", "1:7: tags are not used here: a text that begins with '!' must stand in quotes"],
    ['an unknown escape', "user: \"a\\qb\"\n", "1:9: this '\\' escape is unknown: write '\\\\' for a backslash, or use single quotes"],
    ['a NUL by way of an escape', "user: \"a\\0b\"\n", '1:7: a NUL character cannot stand in a text'],
    ['a second document', "user: nobody\n---\nuser: root\n", '2:1: a second document begins here: a configuration is one document'],
    ['something after the end', "[80]\nuser: x\n", '2:1: the document has ended before this; check the indentation and the brackets'],
    ['bytes that are not UTF-8', "user: nobody\naccess_log: \xe9t\xe9.log\n", '2:13: this is not UTF-8: the configuration must be saved in that encoding'],
    ['UTF-16', "\xff\xfeu\0s\0e\0r\0", '1:1: this is not UTF-8: the configuration must be saved in that encoding'],
    ['a control character', "user: no\x07body\n", '1:9: a control character (0x07) cannot stand in a configuration'],
    ['a list as a key', "listen:\n  - [a]: 80\n", '2:5: a key must be a word, not a list (a text with brackets must stand in quotes)'],
    ['a mapping as a key', "{ {a: b}: c }\n", '1:3: a key must be a word, not a mapping (a text with brackets must stand in quotes)'],
    ['a key that is missing', "upstreams: { \"\": http://a }\n", "1:14: a key is missing before this ':'"],
    ['a duplicate key', "workers: 1\nuser: nobody\nworkers: 2\n", "3:1: duplicate key 'workers' (first in line 1)",
        shown => ['workers: 2', '^']],
    ['a duplicate key, deep inside', "upstreams:\n  a: http://a\n  b: http://b\n  a: http://c\n", "4:3: duplicate key 'a' (first in line 2)"],
    ['a file that is a list', "- match: /\n  handler: hello\n", "1:1: a configuration is a mapping with keys such as 'listen' and 'routes', not a list"],
    ['a file that is a text', "hello\n", "1:1: a configuration is a mapping with keys such as 'listen' and 'routes', not a text"],
    ['a tree that is too deep', 'routes: ' . '[' x 120 . ']' x 120 . "\n", '1:108: the configuration is too deep: more than 100 levels'],
    ['aliases that blow up', bomb(), '7:10: the configuration is too large: more than 1000000 values, counting what aliases repeat'],
    ['a merge key', "upstreams: { a: &a { servers: http://a }, b: { <<: *a, servers: http://b } }\n", "1:48: unknown key '<<' in an upstream"],

    # variables
    ['a variable that is not set', "user: nobody\naccess_log: /var/log/\${NO_SUCH}/x.log\n", "2:22: the environment variable 'NO_SUCH' is not set: set it, or write \${NO_SUCH:-default}"],
    ['a variable that is not set, in quotes', "user: \"a\${NO_SUCH}\"\n", "1:9: the environment variable 'NO_SUCH' is not set: set it, or write \${NO_SUCH:-default}"],
    ['a variable that is never closed', "user: \${USER_NAME\n", "1:7: '\${USER_NAME' is never closed: a '}' is missing"],
    ['a variable without a name', "user: x\${}\n", "1:8: '\${}' does not name a variable: write \${NAME}, or \$\${ for a literal '\${'"],
    ['a variable with a strange name', "user: \${1A}\n", "1:7: '\${1A}' does not name a variable: write \${NAME}, or \$\${ for a literal '\${'"],
    ['a variable with another operator', "user: \${A:?no}\n", "1:7: '\${A:?no}' is not understood: write \${NAME} or \${NAME:-default}, or \$\${ for a literal '\${'"],
    ['a variable in a default', "user: \${A:-\${B}}\n", "1:7: '\${A:-\${B}' has another '\${' in its default, which is not possible"],
    ['a bare variable in brackets', "listen: [80, \${PORT:-8069}]\n", '1:14: quote it inside { } and [ ]: write "${PORT:-8069}"',
        shown => ['listen: [80, ${PORT:-8069}]', '             ^']],
    ['a bare variable in braces', "listen:\n  - { address: \${PORT} }\n", '2:16: quote it inside { } and [ ]: write "${PORT}"'],
    ['a variable with a bad value', "listen: 80\nworkers: \${W}\n", "2:10: 'workers' must be 'auto' or a number from 1 to 256, not 'many'", env => { W => 'many' }],
    ['a variable never changes structure', "listen: \${L}\n", "1:9: '[80, 81]' is not a numeric address: write the address to listen on, such as 127.0.0.1:8069 or 0.0.0.0:8069", env => { L => '[80, 81]' }],
    ['PORT that is no port', "routes: []\n", "the environment variable PORT must be a port from 0 to 65535, not 'http'", env => { PORT => 'http' }],
    ['ADDRESS that is no address', "routes: []\n", "the environment variable ADDRESS must be a numeric address such as 127.0.0.1, not 'example.com'", env => { ADDRESS => 'example.com' }],
    ['SERVER_THREAD_COUNT that is no number', "routes: []\n", "the environment variable SERVER_THREAD_COUNT must be 'auto' or a number from 1 to 256, not '0'", env => { SERVER_THREAD_COUNT => 0 }],
    ['RESPONSE_PREALLOCATION_KB that is no number', "routes: []\n", "the environment variable RESPONSE_PREALLOCATION_KB must be a number from 0 to 16384, not '8KB'", env => { RESPONSE_PREALLOCATION_KB => '8KB' }],

    # keys and types
    ['an unknown key', "listen: 80\nworker: 2\n", "2:1: unknown key 'worker' in the configuration (did you mean 'workers'?)",
        shown => ['worker: 2', '^']],
    ['an unknown key that resembles nothing', "colour: blue\n", "1:1: unknown key 'colour' in the configuration"],
    ['a list where a text belongs', "user: [a, b]\n", "1:7: 'user' wants a text, not a list"],
    ['a mapping where a text belongs', "access_log: { path: x }\n", "1:13: 'access_log' wants a text, not a mapping"],
    ['a key without a value', "user:\nlisten: 80\n", "1:6: 'user' has no value"],
    ['a null', "workers: ~\n", "1:10: 'workers' has no value"],
    ['workers: none', "workers: 0\n", "1:10: 'workers' must be 'auto' or a number from 1 to 256, not '0'"],
    ['workers: too many', "workers: 257\n", "1:10: 'workers' must be 'auto' or a number from 1 to 256, not '257'"],
    ['a duration without a unit', "drain_timeout: 30\n", "1:16: 'drain_timeout' wants a duration such as 250ms, 30s or 5m, not '30' (did you mean '30s'?)",
        shown => ['drain_timeout: 30', '               ^']],
    ['a duration that is none', "drain_timeout: soon\n", "1:16: 'drain_timeout' wants a duration such as 250ms, 30s or 5m, not 'soon'"],
    ['a duration that is too long', "header_timeout: 2d\n", "1:17: 'header_timeout' must be from 1ms to 1d, not 2d"],
    ['a duration that is nothing', "header_timeout: 0\n", "1:17: 'header_timeout' must be from 1ms to 1d, not 0"],
    ['a size that is none', "body_limit: 16 cows\n", "1:13: 'body_limit' wants a size such as 512, 64KB or 16MB, not '16 cows'"],
    ['a size that is too small', "head_limit: 100\n", "1:13: 'head_limit' must be from 1KB to 1MB, not 100"],
    ['a size that is a list', "arena: [4KB]\n", "1:8: 'arena' wants a size such as 512, 64KB or 16MB, not a list"],
    ['a number that is none', "header_limit: many\n", "1:15: 'header_limit' wants a whole number, not 'many'"],
    ['a number with a fraction', "header_limit: 1.5\n", "1:15: 'header_limit' wants a whole number, not '1.5'"],
    ['a number out of range', "header_limit: -1\n", "1:15: 'header_limit' must be from 1 to 10000, not -1"],
    ['a user without a name', "user: \"\"\n", "1:7: 'user' wants a user's name, not an empty text"],
    ['a log without a name', "access_log: \"\"\n", "1:13: 'access_log' wants a path, 'stdout' or 'off'"],
    ['a folder that is a list', "library_path: [[a]]\n", "1:16: an item of 'library_path' wants a text, not a list"],

    # listeners
    ['a port beyond the last', "listen: 65536\n", '1:9: a port must be from 0 to 65535, not 65536'],
    ['a port that is none', "listen: 127.0.0.1:http\n", "1:9: '127.0.0.1:http' has a port that is not a number from 0 to 65535"],
    ['an address without a port', "listen: 127.0.0.1\n", "1:9: '127.0.0.1' lacks a port: write ADDRESS:PORT"],
    ['a port without an address', "listen: \":80\"\n", "1:9: ':80' lacks an address in front of its ':'"],
    ['a host name', "listen: example.com:80\n", "1:9: 'example.com:80' is not a numeric address: write the address to listen on, such as 127.0.0.1:8069 or 0.0.0.0:8069"],
    ['IPv6 without brackets', "listen: \"::1:80\"\n", "1:9: '::1:80' has several ':', and an IPv6 address must stand in brackets, such as [::1]:8069"],
    ['IPv6 without quotes', "listen: [::1]:80\n", '1:9: an IPv6 address must stand in quotes, such as "[::1]:8069"'],
    ['another IPv6 address without quotes', "listen: [fe80::1]:80\n", '1:17: an IPv6 address must stand in quotes, such as "[::1]:8069"'],
    ['an IPv6 address that is none', "listen: \"[::g]:80\"\n", "1:9: '[::g]:80' is not a numeric address: write the address to listen on, such as 127.0.0.1:8069 or 0.0.0.0:8069"],
    ['a socket without a path', "listen: \"unix:\"\n", "1:9: 'unix:' lacks the path of its socket: write unix:/PATH"],
    ['a socket with a long path', 'listen: unix:/' . 'x' x 120 . "\n", "1:9: 'unix:/" . 'x' x 114 . "...' is too long for a socket: its absolute path may have 107 bytes"],
    ['a listener by URL', "listen: http://127.0.0.1:8080\n", "1:9: 'http://127.0.0.1:8080' is a URL: write just ADDRESS:PORT"],
    ['a variable of the shell', "listen: \$PORT\n", "1:9: '\$PORT' is no variable: write \${NAME} or \${NAME:-default}"],
    ['a listener with a port apart', "listen: { address: 127.0.0.1, port: 80 }\n", "1:31: unknown key 'port' in a listener (possible: 'address', 'name', 'tls')"],
    ['no listener', "listen: []\n", "1:9: 'listen' is an empty list, so nobody could connect"],
    ['the same listener twice', "listen:\n  - 8080\n  - 0.0.0.0:8080\n", "3:5: '0.0.0.0:8080' is listened on twice (first in line 2)"],
    ['a listener without an address', "listen: { name: a }\n", "1:9: 'address' is missing in a listener"],
    ['a listener with an unknown key', "listen:\n  - { adress: 80 }\n", "2:7: unknown key 'adress' in a listener (did you mean 'address'?)"],
    ['a listener with TLS and no more', "listen: { address: 80, tls: yes }\n", "1:29: 'tls' wants a mapping with 'certificate' and 'key', not a text"],
    ['a listener without a key', "listen: { address: 80, tls: { certificate: flexilib.yaml } }\n", "1:29: 'key' is missing in 'tls'"],
    ['a name twice', "listen:\n  - { address: 80, name: a }\n  - { address: 81, name: a }\n", "3:5: listener 'a' is defined twice (first in line 2)"],
    ['a name that cannot be one', "listen: { address: 80, name: a b }\n", "1:30: 'a b' cannot be the name of a listener: letters, digits, '-', '.' and '_' can"],

    # libraries
    ['a library that is not there', "libraries:\n  greet: ./greet.so\n", "2:10: library 'greet': there is no file 'DIR/greet.so'"],
    ['a library at home', "libraries:\n  greet: ~/greet.so\n", "2:10: library 'greet': there is no file 'DIR/~/greet.so' ('~' means nothing here: write the whole path)"],
    ['a library with an unknown key', "libraries: { greet: { file: ./greet.so } }\n", "1:23: unknown key 'file' in a library (possible: 'path')"],
    ['a library without a path', "libraries: { greet: }\n", "1:21: a library's path is missing here"],
    ['a library with a dot in its name', "libraries: { a.b: ./greet.so }\n", "1:14: 'a.b' cannot be the name of a library: letters, digits, '-' and '_' can"],
    ['libraries as a list', "libraries: [./greet.so]\n", "1:12: 'libraries' wants a mapping of names to paths, not a list"],

    # upstreams
    ['an upstream by ftp', "upstreams: { a: ftp://a }\n", "1:17: 'ftp://a' cannot be reached: http://HOST[:PORT], https://HOST[:PORT] and http+unix:/PATH are possible"],
    ['an upstream by https without a host', "upstreams: { a: \"https://:443\" }\n", "1:17: 'https://:443' lacks an address in front of its ':'"],
    ['tls for nobody', "upstreams: { a: { servers: http://a, tls: { insecure: yes } } }\n", "1:43: 'tls' is for servers by https://, of which this upstream has none"],
    ['tls as a text', "upstreams: { a: { servers: https://a, tls: yes } }\n", "1:44: 'tls' wants a mapping, not a text"],
    ['tls with an unknown key', "upstreams: { a: { servers: https://a, tls: { cert: a.pem } } }\n", "1:46: unknown key 'cert' in 'tls' (possible: 'ca', 'certificate', 'key', 'server_name', 'insecure')"],
    ['a certificate without a key', "upstreams: { a: { servers: https://a, tls: { certificate: a.pem } } }\n", "1:59: 'certificate' wants a 'key' beside it", files => { 'a.pem' => '' }],
    ['a key without a certificate', "upstreams: { a: { servers: https://a, tls: { key: a.pem } } }\n", "1:51: 'key' wants a 'certificate' beside it", files => { 'a.pem' => '' }],
    ['authorities that nobody looks at', "upstreams: { a: { servers: https://a, tls: { ca: a.pem, insecure: yes } } }\n", "1:50: 'ca' and 'insecure' exclude each other", files => { 'a.pem' => '' }],
    ['a server name that is none', "upstreams: { a: { servers: https://a, tls: { server_name: 'a b' } } }\n", "1:59: the server name 'a b' is neither a host's name nor a numeric address"],
    ['authorities that are not there', "upstreams: { a: { servers: https://a, tls: { ca: a.pem } } }\n", "1:50: 'ca': cannot read 'DIR/a.pem': No such file or directory"],
    ['authorities that are none', "upstreams: { a: { servers: https://a, tls: { ca: a.pem } } }\n", "1:50: 'DIR/a.pem' holds no certificate in PEM", files => { 'a.pem' => "hello\n" }],
    ['an upstream without http', "upstreams: { a: \"127.0.0.1:3000\" }\n", "1:17: '127.0.0.1:3000' is not a URL (did you mean 'http://127.0.0.1:3000'?)"],
    ['an upstream by socket', "upstreams: { a: unix:/run/a.sock }\n", "1:17: 'unix:/run/a.sock' is not a URL (did you mean 'http+unix:/run/a.sock'?)"],
    ['an upstream by socket, otherwise', "upstreams: { a: http://unix:/run/a.sock }\n", "1:17: 'http://unix:/run/a.sock' is not how a socket is written: write http+unix:/PATH"],
    ['an upstream with a path', "upstreams:\n  a: http://a:80/api\n", "2:6: 'http://a:80/api' has a path, but a server is just http://HOST:PORT: take path prefixes off with 'strip'"],
    ['an upstream with a query', "upstreams: { a: http://a/?b }\n", "1:17: 'http://a/?b' has a query, but a server is just http://HOST:PORT"],
    ['an upstream with a user', "upstreams: { a: http://u\@a }\n", "1:17: 'http://u\@a' holds a user name, which is not possible"],
    ['an upstream with port 0', "upstreams: { a: http://a:0 }\n", "1:17: 'http://a:0' has port 0, which no server has"],
    ['an upstream without a host', "upstreams: { a: http:// }\n", "1:17: 'http://' lacks a host"],
    ['an upstream with a strange host', "upstreams: { a: \"http://a b\" }\n", "1:17: 'http://a b' has a host that is neither a name nor a numeric address"],
    ['an upstream without servers', "upstreams: { a: { servers: [] } }\n", '1:28: an upstream wants at least one server'],
    ['an upstream without the key', "upstreams: { a: { keep_alive: 1s } }\n", "1:17: 'servers' is missing in an upstream"],
    ['an upstream with an unknown key', "upstreams: { a: { servers: http://a, conect_timeout: 1s } }\n", "1:38: unknown key 'conect_timeout' in an upstream (did you mean 'connect_timeout'?)"],
    ['a weight of nothing', "upstreams: { a: [ { url: http://a, weight: 0 } ] }\n", "1:44: 'weight' must be from 1 to 256, not 0"],
    ['a weight that is a list', "upstreams: { a: [ { url: http://a, weight: [1] } ] }\n", "1:44: 'weight' wants a whole number, not a list"],
    ['a server without a URL', "upstreams: { a: [ { weight: 1 } ] }\n", "1:19: 'url' is missing in a server"],
    ['a resolver without a mapping', "resolver: 127.0.0.1\n", "1:11: 'resolver' wants a mapping with 'servers' or 'timeout', not a text"],
    ['a resolver with an unknown key', "resolver: { server: 127.0.0.1 }\n", "1:13: unknown key 'server' in the resolver (did you mean 'servers'?)"],
    ['no name server', "resolver: { servers: [] }\n", "1:22: 'servers' wants at least one name server"],
    ['an empty name server', "resolver: { servers: [\"\"] }\n", "1:23: a name server's address is missing here"],
    ['a name server with a name', "resolver: { servers: [127.0.0.1, \"dns.example:53\"] }\n", "1:34: 'dns.example:53' is not a numeric address: a name server is written ADDRESS or ADDRESS:PORT, such as 127.0.0.1:53"],
    ['a name server with a wrong port', "resolver: { servers: \"127.0.0.1:dns\" }\n", "1:22: '127.0.0.1:dns' has a port that is not a number from 0 to 65535"],
    ['a name server with port 0', "resolver: { servers: \"127.0.0.1:0\" }\n", "1:22: '127.0.0.1:0' has a port that is not a number from 1 to 65535"],
    ['a resolver without patience', "resolver: { timeout: 0 }\n", "1:22: 'timeout' must be from 1ms to 1h, not 0"],
    ['upstreams as a list', "upstreams: [http://a]\n", "1:12: 'upstreams' wants a mapping of names to servers, not a list"],

    # routes
    ['a route without a target', "routes:\n  - match: /\n", "2:5: a route wants one of 'handler', 'proxy', 'redirect', 'respond', 'files' and 'routes'"],
    ['a route with two targets', "routes:\n  - handler: hello\n    proxy: http://a\n", "3:12: 'handler' and 'proxy' exclude each other in a route"],
    ['a redirect and a reply', "routes:\n  - { redirect: /a, respond: 200 }\n", "2:30: 'redirect' and 'respond' exclude each other in a route"],
    ['a redirect to nowhere', "routes:\n  - redirect:\n", "2:14: a URL or a path to redirect to is missing here"],
    ['a redirect that is a list', "routes:\n  - redirect: [/a]\n", "2:15: 'redirect' is a URL or a mapping, not a list"],
    ['a redirect without a URL', "routes:\n  - redirect: { status: 301 }\n", "2:15: 'to' is missing in 'redirect'"],
    ['a redirect with an unknown key', "routes:\n  - redirect: { to: /a, statu: 301 }\n", "2:25: unknown key 'statu' in 'redirect' (did you mean 'status'?)"],
    ['a redirect with another status', "routes:\n  - redirect: { to: /a, status: always }\n", "2:33: 'status' must be '301', '302', '303', '307' or '308', not 'always'"],
    ['a redirect to a bare host', "routes:\n  - redirect: example.com/a\n", "2:15: 'example.com/a' is neither a URL nor a path: write https://HOST/... or /..."],
    ['a redirect to a host and port', "routes:\n  - redirect: localhost:8080\n", "2:15: 'localhost:8080' is neither a URL nor a path: write https://HOST/... or /..."],
    ['a redirect with an unknown placeholder', "routes:\n  - redirect: \"https://{hots}/\"\n", "2:15: '{hots}' stands for nothing here (did you mean 'host'?)"],
    ['a redirect with a strange placeholder', "routes:\n  - redirect: \"/a{}\"\n", "2:15: '{}' stands for nothing here (possible: '{scheme}', '{host}', '{path}', '{query}')"],
    ['a redirect with an open placeholder', "routes:\n  - redirect: \"/a?{query\"\n", "2:15: '{query' is never closed: a '}' is missing"],
    ['a redirect with two slashes', "routes:\n  - redirect: \"/{path}\"\n", "2:15: '{path}' begins with '/' itself: leave out the one before it"],
    ['a redirect with a blank', "routes:\n  - redirect: /a b\n", "2:15: ' b' holds a character that no URL may: write it as %20"],
    ['a redirect with a line break', "routes:\n  - redirect: \"/a\\r\\nx: y\"\n", "2:15: '??x: y' holds a character that no URL may: write it as %0D"],
    ['a reply that is a text', "routes:\n  - respond: hello\n", "2:14: 'respond' wants a status from 200 to 599, or a mapping with 'body', not 'hello'"],
    ['a reply that is a list', "routes:\n  - respond: [200]\n", "2:14: 'respond' wants a status or a mapping, not a list"],
    ['a reply with status 100', "routes:\n  - respond: 100\n", "2:14: 'respond' wants a status from 200 to 599, or a mapping with 'body', not '100'"],
    ['a reply with status 600', "routes:\n  - respond: { status: 600 }\n", "2:24: 'status' must be from 200 to 599, not 600"],
    ['a reply with an unknown key', "routes:\n  - respond: { bodi: a }\n", "2:16: unknown key 'bodi' in 'respond' (did you mean 'body'?)"],
    ['a reply with a header name that is none', "routes:\n  - respond: { headers: { \"a b\": c } }\n", "2:27: 'a b' cannot be a header's name"],
    ['a reply with a header that frames it', "routes:\n  - respond: { headers: { Content-Length: \"5\" } }\n", "2:27: 'Content-Length' cannot be given: FlexiLib itself frames responses and keeps connections"],
    ['a reply with a header of two lines', "routes:\n  - respond: { headers: { a: \"b\\r\\nc: d\" } }\n", "2:30: 'b??c: d' holds a control character, which no header may"],
    ['a reply with a header that ends in a blank', "routes:\n  - respond: { headers: { a: \"b \" } }\n", "2:30: 'b ' begins or ends with a blank, which no header may"],
    ['a body where there is none', "routes:\n  - respond: { status: 204, body: hello }\n", "2:35: a response with status 204 has no body"],
    ['files from nowhere', "routes:\n  - files:\n", "2:11: a folder is missing here"],
    ['files from an empty path', "routes:\n  - files: \"\"\n", "2:12: a folder is missing here"],
    ['files from a list', "routes:\n  - files: [a, b]\n", "2:12: 'files' is a folder or a mapping, not a list"],
    ['files without a folder', "routes:\n  - files: { index: a.html }\n", "2:12: 'root' is missing in 'files'"],
    ['files with an unknown key', "routes:\n  - files: { root: a, indx: b }\n", "2:23: unknown key 'indx' in 'files' (did you mean 'index'?)"],
    ['an index in another folder', "routes:\n  - files: { root: a, index: [index.html, ../b] }\n", "2:43: 'index' wants a file's name, such as index.html, not '../b'"],
    ['an index that is a folder', "routes:\n  - files: { root: a, index: b/ }\n", "2:30: 'index' wants a file's name, such as index.html, not 'b/'"],
    ['a fallback outside', "routes:\n  - files: { root: a, fallback: ../b.html }\n", "2:33: 'fallback' wants a file's path within 'root', such as index.html, not '../b.html'"],
    ['a fallback by its whole path', "routes:\n  - files: { root: a, fallback: /index.html }\n", "2:33: 'fallback' wants a file's path within 'root', such as index.html, not '/index.html'"],
    ['precompressed files that are neither', "routes:\n  - files: { root: a, precompressed: br }\n", "2:38: 'precompressed' wants yes or no, not 'br'"],
    ['a route with an unknown key', "routes:\n  - mach: /\n    handler: hello\n", "2:5: unknown key 'mach' in a route (did you mean 'match'?)"],
    ['a route that is a text', "routes: [hello]\n", "1:10: a route is a mapping with keys such as 'match', not a text"],
    ['routes as a mapping', "routes:\n  match: /\n", "2:3: 'routes' wants a list, not a mapping: put '- ' before each route"],
    ['routes without anything', "routes:\n", "1:8: 'routes' has no value"],
    ['an upstream that is not defined', "upstreams:\n  shop: http://127.0.0.1:3000\nroutes:\n  - proxy: shopp\n", "4:12: upstream 'shopp' is not defined (did you mean 'shop'?)",
        shown => ['  - proxy: shopp', '           ^']],
    ['an upstream that is not defined, long form', "routes:\n  - proxy: { to: shop }\n", "2:18: upstream 'shop' is not defined"],
    ['a proxy by host', "routes:\n  - proxy: localhost\n", "2:12: upstream 'localhost' is not defined (a server is written 'http://localhost')"],
    ['a route that is nothing', "routes:\n  -\n  - handler: hello\n", "2:4: a route is a mapping with keys such as 'match', not nothing"],
    ['a proxy by ftp', "routes:\n  - proxy: ftp://a\n", "2:12: 'ftp://a' cannot be reached: http://HOST[:PORT], https://HOST[:PORT] and http+unix:/PATH are possible"],
    ['a proxy that is a list', "routes:\n  - proxy: [http://a, http://b]\n", "2:12: 'proxy' wants one URL or upstream, not a list: define an upstream with these servers"],
    ['a proxy with an unknown key', "routes:\n  - proxy: { to: http://a, stripp: /a }\n", "2:28: unknown key 'stripp' in 'proxy' (did you mean 'strip'?)"],
    ['a strip without a slash', "routes:\n  - proxy: { to: http://a, strip: api }\n", "2:35: the path 'api' must begin with '/'"],
    ['a host policy that is none', "routes:\n  - proxy: { to: http://a, host: kep }\n", "2:34: 'host' must be 'keep', 'server' or a host, not 'kep' (did you mean 'keep'?): a host of that name wants quotes"],
    ['a route name twice', "routes:\n  - { name: a, handler: hello }\n  - { name: a, handler: hello }\n", "3:13: route 'a' is defined twice (first in line 2)"],

    # matches
    ['a path without a slash', "routes:\n  - { match: admin, handler: hello }\n", "2:14: the path 'admin' must begin with '/'"],
    ['a path with two slashes', "routes:\n  - { match: //admin, handler: hello }\n", "2:14: the path '//admin' can never match: requests are matched in the form '/admin'"],
    ['a path with dots', "routes:\n  - { match: =/a/../b, handler: hello }\n", "2:14: the path '/a/../b' can never match: requests are matched in the form '/b'"],
    ['a path with a lower-case escape', "routes:\n  - { match: /a%2fb, handler: hello }\n", "2:14: the path '/a%2fb' can never match: requests are matched in the form '/a%2Fb'"],
    ['a path with a needless escape', "routes:\n  - { match: /%61dmin*, handler: hello }\n", "2:14: the path '/%61dmin' can never match: requests are matched in the form '/admin'"],
    ['a path with a broken escape', "routes:\n  - { match: /a%2, handler: hello }\n", "2:14: the path '/a%2' has a '%' without two hexadecimal digits behind it"],
    ['a path with %00', "routes:\n  - { match: /a%00, handler: hello }\n", "2:14: the path '/a%00' holds %00, which no request may"],
    ['a path with a blank', "routes:\n  - { match: /a b, handler: hello }\n", "2:14: the path '/a b' can never match: requests are matched in the form '/a%20b'"],
    ['a path with a letter beyond ASCII', "routes:\n  - { match: /caf\xc3\xa9, handler: hello }\n", "2:14: the path '/caf\xc3\xa9' can never match: requests are matched in the form '/caf%C3%A9'"],
    ['a path with a query', "routes:\n  - { match: \"/a?b\", handler: hello }\n", "2:14: the path '/a?b' holds a '?', but the query is no part of the path"],
    ['a path with a star inside', "routes:\n  - { match: /a*b, handler: hello }\n", "2:14: '/a*b' has a '*' that is not at its end, the only place where it stands for anything"],
    ['a path that is null', "routes:\n  - match:\n    handler: hello\n", "2:11: a path is missing here (every path begins with '/')"],
    ['a list of no paths', "routes:\n  - { match: [], handler: hello }\n", "2:14: 'match' is an empty list, which never matches"],
    ['a path that is a mapping', "routes:\n  - { match: { path: { a: b } }, handler: hello }\n", "2:22: 'path' wants a text or a list of texts, not a mapping"],
    ['a match with an unknown key', "routes:\n  - { match: { hosts: a }, handler: hello }\n", "2:16: unknown key 'hosts' in a match (did you mean 'host'?)"],
    ['a host with a port', "routes:\n  - { match: { host: \"a:8080\" }, handler: hello }\n", "2:22: 'a:8080' has a port, but hosts are matched without it (use 'listener' to tell ports apart)"],
    ['a host with a star inside', "routes:\n  - { match: { host: a*b }, handler: hello }\n", "2:22: 'a*b' has a '*' in a place where it means nothing: '*.example.com' and 'shop*' are possible"],
    ['a host beyond ASCII', "routes:\n  - { match: { host: b\xc3\xbccher.example }, handler: hello }\n", "2:22: 'b\xc3\xbccher.example' is not a host name (write others in their 'xn--' form)"],
    ['a method in lower case', "routes:\n  - { match: { methods: [GET, post] }, handler: hello }\n", "2:31: methods have their case: 'post' is not a method (did you mean 'POST'?)"],
    ['a method that is none', "routes:\n  - { match: { method: \"G T\" }, handler: hello }\n", "2:24: 'G T' is not a method"],
    ['method and methods', "routes:\n  - { match: { method: GET, methods: GET }, handler: hello }\n", "2:24: 'method' and 'methods' are the same: write only one of them"],
    ['a header name that is none', "routes:\n  - { match: { headers: { \"a b\": c } }, handler: hello }\n", "2:27: 'a b' cannot be a header's name"],
    ['a header value with a line break', "routes:\n  - { match: { headers: { a: \"b\\nc\" } }, handler: hello }\n", "2:30: 'b?c' holds a control character, which no header may"],
    ['headers that are a list', "routes:\n  - { match: { headers: [a] }, handler: hello }\n", "2:25: 'headers' wants a mapping of names to values, not a list"],
    ['a listener that is not defined', "listen: { address: 80, name: front }\nroutes:\n  - { match: { listener: fromt }, handler: hello }\n", "3:26: listener 'fromt' is not defined (did you mean 'front'?)"],

    ['a listener that has no name', "listen: 8080\nroutes:\n  - { match: { listener: 8080 }, handler: hello }\n", "3:26: listener '8080' is not defined (under 'listen', 'name' gives a listener its name)"],

    # filters
    ['a handler at home', "routes:\n  - handler: ~/greet.so\n", "2:14: there is no file 'DIR/~/greet.so' ('~' means nothing here: write the whole path)"],
    ['options in the place of keys', "filters:\n  - use: headers\n    response_set: { a: b }\n", "3:5: unknown key 'response_set' in a filter (possible: 'use', 'on_error', 'options')"],
    ['a filter whose file is not there', "filters: [./basic-auth.so]\n", "1:11: there is no file 'DIR/basic-auth.so'"],
    ['a handler whose file is not there', "routes:\n  - handler: ./greet.so\n", "2:14: there is no file 'DIR/greet.so'",
        shown => ['  - handler: ./greet.so', '             ^']],
    ['a filter that is a list', "filters: [[headers]]\n", '1:11: a filter is a name, a path or a mapping, not a list'],
    ['filters that are a mapping', "filters:\n  headers: { set: { a: b } }\n", "2:3: 'filters' wants a list, not a mapping: put '- ' before each filter"],
    ['a filter without use', "filters:\n  - { on_error: open }\n", "2:5: 'use' is missing in a filter"],
    ['a filter with an unknown key', "filters:\n  - { use: headers, option: {} }\n", "2:21: unknown key 'option' in a filter (did you mean 'options'?)"],
    ['a policy that is none', "filters:\n  - { use: headers, on_error: opne }\n", "2:31: 'on_error' must be 'closed' or 'open', not 'opne' (did you mean 'open'?)"],
    ['options that are a text', "filters:\n  - { use: headers, options: all }\n", "2:30: the options of 'headers' are a mapping, not a text"],
    ['options that are a list, short form', "filters:\n  - headers: [a]\n", "2:14: the options of 'headers' are a mapping, not a list"],
    ['options that are not indented', "filters:\n  - headers:\n    set: { a: b }\n", "3:5: the options of 'headers' must be indented further than its name"],
    ['a filter name that ends with a dot', "filters: [auth.]\n", "1:11: 'auth.' is neither a name, nor LIBRARY.FILTER, nor a path"],
    ['a handler that may be skipped', "routes:\n  - handler: { use: hello, on_error: open }\n", "2:38: a handler cannot be skipped: 'on_error: open' is for filters"],
    ['a skip of what is not inherited', "filters: [headers]\nroutes:\n  - { skip: [header], handler: hello }\n", "3:14: 'skip' names filter 'header', which is not inherited here (did you mean 'headers'?)"],
    ['a skip of an own filter', "routes:\n  - { skip: headers, filters: [headers], handler: hello }\n", "2:13: 'skip' names filter 'headers', which is not inherited here"],

    # includes
    ['an include that is not there', "include: more.yaml\n", "1:10: cannot read 'more.yaml': No such file or directory"],
    ['an include at home', "include: ~/more.yaml\n", "1:10: cannot read '~/more.yaml': No such file or directory ('~' means nothing here: write the whole path)"],
    ['an include that is a mapping', "include: { file: more.yaml }\n", "1:10: 'include' wants a path or a list of paths, not a mapping"],
    ['an include without a value', "include:\n", "1:9: 'include' has no value"],
    ['an include of itself', "user: nobody\ninclude: flexilib.yaml\n", "2:10: 'flexilib.yaml' includes itself"],
    ['an include in a circle', "include: d/a.yaml\n", "d/a.yaml:1:10: 'flexilib.yaml' includes itself", files => { 'd/a.yaml' => "include: ../flexilib.yaml\n" }],
    ['a mistake in an included file', "include: d/*.yaml\n", "d/b.yaml:2:10: 'workers' must be 'auto' or a number from 1 to 256, not 'x'",
        files => { 'd/a.yaml' => "listen: 80\n", 'd/b.yaml' => "# b\nworkers: x\n" }, shown => ['workers: x', '         ^']],
    ['a setting in two files', "workers: 1\ninclude: a.yaml\n", "a.yaml:1:1: duplicate key 'workers' (first in flexilib.yaml:1)", files => { 'a.yaml' => "workers: 2\n" }],
    ['an upstream in two files', "include: [a.yaml, b.yaml]\n", "b.yaml:2:3: duplicate key 'x' (first in a.yaml:1)",
        files => { 'a.yaml' => "upstreams: { x: http://x }\n", 'b.yaml' => "upstreams:\n  x: http://y\n" }],
    ['kinds that do not join', "routes: []\ninclude: a.yaml\n", "a.yaml:1:9: 'routes' wants a list, not a mapping", files => { 'a.yaml' => "routes: { match: / }\n" }],
    ['a mapping among routes', "routes:\n  - include: a.yaml\n", "a.yaml:1:1: a file that 'routes' includes is a list of routes, not a mapping (other keys are included at the top level)",
        files => { 'a.yaml' => "routes: []\n" }],
    ['an include beside other keys', "routes:\n  - { include: a.yaml, match: / }\n", "2:16: 'include' must stand alone in its item of 'routes'"],
    ['a mistake in an included route', "routes:\n  - match: /a\n    routes: [{ include: r/*.yaml }]\n", "r/x.yaml:1:3: unknown key 'handle' in a route (did you mean 'handler'?)",
        files => { 'r/x.yaml' => "- handle: hello\n" }],
);

my @ini_cases = (
    ['a line without a library', "/a = liba.so\n/b\n", "2:1: a '=' is missing: a line is 'PREFIX = LIBRARY'", shown => ['/b', '^']],
    ['a line without a prefix', "  = liba.so\n", "1:3: a path prefix is missing before the '='"],
    ['a line with nothing behind the =', "/a =  # none\n", "1:4: a library is missing after the '='"],
    ['a header without a path', "Host: iam = liba.so\n", "1:1: a header rule is 'HEADER: VALUEPREFIX PATHPREFIX = LIBRARY', with just two words after the ':'"],
    ['a header with three words', " Host: iam / x = liba.so\n", "1:2: a header rule is 'HEADER: VALUEPREFIX PATHPREFIX = LIBRARY', with just two words after the ':'"],
    ['a header name that is none', "Ho st: iam / = liba.so\n", "1:1: 'Ho st' cannot be a header's name"],
    ['a prefix twice', "/a = liba.so\n\n/a = libb.so\n", "3:1: '/a' stands here twice (first in line 1)"],
);

check_case('flexilib.yaml', @$_) for @cases;
check_case('proxy.ini',     @$_) for @ini_cases;

my $missing = run_flexilib(['check', '-c', 'none.yaml']);
is($missing->{err}, "cannot read 'none.yaml': No such file or directory\n", 'a file that is not there');
is($missing->{status}, 78, 'a file that is not there: status 78');

my %unreadable = (
    '/dev/null' => 'it is no regular file, so that a reload could not read it again',
    '.'         => 'Is a directory',
    'large.yaml' => 'it is larger than 16 MB',
);
for my $name (sort keys %unreadable) {
    my $result = run_flexilib(['check', '-c', $name], files => { 'large.yaml' => '#' x (17 << 20) });
    is($result->{err}, "cannot read '$name': $unreadable{$name}\n", "$name is refused with the reason");
    is($result->{status}, 78, "$name: status 78");
}

cmp_ok(@cases + @ini_cases, '>=', 75, 'the table is as long as it was meant to be');
done_testing;

sub check_case {
    my ($file, $claim, $content, $message, %option) = @_;
    my $folder = make_folder();
    my $result = run_flexilib(['check', '-c', $file], dir => $folder, file => $file, config => $content, files => $option{files}, env => $option{env});
    my ($first, @rest) = split /\n/, $result->{err};
    $message =~ s/\bDIR\b/$folder/;
    $message = "$file:$message" if $message =~ /^\d/;
    my $indented = [map { "    $_" } @{ $option{shown} // [] }];
    subtest $claim => sub {
        is($first, $message, 'the message');
        is($result->{status}, 78, 'the status');
        is_deeply(\@rest, $indented, 'the source line and the caret') if $option{shown};
    };
    return;
}

# Five values, ten times as many on each level.
sub bomb {
    my $text = "a0: &a0 [x, x, x, x, x]\n";
    $text .= "a$_: &a$_ [" . join(', ', ('*a' . ($_ - 1)) x 10) . "]\n" for 1 .. 9;
    return $text;
}
