# jwt lets requests pass whose token is signed by a known key and claims what is asked for, and no others; what it
# claims is there for later filters.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Token qw(sign_secret assemble base64url);

need('openssl');
my $folder = make_folder();
my $keys   = FlexiLib::Test::Token->new($folder);
my @algorithms = qw(RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 Ed25519 Ed448);
$keys->make(rsa => 'RS256');
$keys->make($_, $_) for qw(ES256 ES384 ES512 Ed25519 Ed448);
$keys->make(other => 'ES256');
$keys->make(weak => 'RS256', bits => 1024);
my %key_of = map { ($_ => /^[RP]S/ ? 'rsa' : $_) } @algorithms;
my $secret = 'a secret of more than sixty-four bytes, as the longest digest wants one';
my $short  = 'a secret of more than thirty-two bytes';
my %claims = (iss => 'login', aud => 'shop', sub => 'alice', exp => time + 3600);

sub encryption_key { return { %{ $keys->jwk('other') }, kid => 'encryption', use => 'enc' } }
sub pinned_key     { return { %{ $keys->jwk('rsa') }, kid => 'pinned', alg => 'PS256' } }
sub strange_key    { return { kty => 'LATTICE', kid => 'strange', x => 'AAAA' } }
sub sham_key       { return { %{ $keys->jwk('rsa') }, kid => 'sham', e => 'AQ' } }
sub leaked_secret  { return { kty => 'oct', kid => 'leaked', k => base64url($secret) } }

my $flexilib = start_flexilib(
    files => {
        'keys.json' => $keys->set('rsa', qw(ES256 ES384 ES512 Ed25519 Ed448 weak), encryption_key(), pinned_key(), strange_key(), sham_key(), leaked_secret()),
        'keys.pem'  => $keys->pem('rsa') . $keys->pem('ES256'),
    },
    config => <<"END");
listen: 127.0.0.1:0
workers: 1
access_log: access.log
routes:
  - match: /pem
    filters: [{ jwt: { jwks_file: keys.pem, issuer: login } }]
    handler: hello
  - match: /secret
    filters: [{ jwt: { secret: "$secret" } }]
    handler: hello
  - match: /short
    filters: [{ jwt: { secret: "$short" } }]
    handler: hello
  - match: /few
    filters: [{ jwt: { jwks_file: keys.json, algorithms: [ES256, EdDSA] } }]
    handler: hello
  - match: /kept
    filters: [{ jwt: { jwks_file: keys.json, cookie: token, keep: no } }]
    handler: echo
  - match: /scope
    filters: [{ jwt: { jwks_file: keys.json, scope: [read, write], claims: { role: admin, level: 3 }, realm: scope } }]
    handler: hello
  - match: /type
    filters: [{ jwt: { jwks_file: keys.json, type: at+jwt } }]
    handler: hello
  - match: /optional
    filters: [{ jwt: { jwks_file: keys.json, optional: yes } }, { headers: { request_set: { x-sub: "{jwt.sub|nobody}" } } }]
    handler: echo
  - match: /elsewhere
    filters: [{ jwt: { jwks_file: keys.json, header: x-token, cookie: token, query: token, keep: no } }]
    handler: echo
  - match: /two
    filters:
      - jwt: { jwks_file: keys.json }
      - jwt: { jwks_file: keys.json, header: x-service, name: service }
      - headers: { request_set: { x-both: "{jwt.sub} {jwt.role|none} {jwt-service.sub} {jwt-service.role|none}" } }
    handler: echo
  - match: /lasting
    filters: [{ jwt: { jwks_file: keys.json, expiry: no } }]
    handler: hello
  - match: /
    filters:
      - jwt: { jwks_file: keys.json, issuer: [login, "https://other/"], audience: [shop, api], leeway: 10s, longest: 4KB }
      - headers:
          request_set:
            x-sub: "{jwt.sub}"
            x-name: "{jwt.name}"
            x-groups: "{jwt.groups}"
            x-admin: "{jwt.admin}"
            x-level: "{jwt.level}"
            x-roles: "{jwt.realm_access.roles}"
            x-bad: "{jwt.bad}"
            x-list: "{jwt.list}"
    handler: echo
END

sub with_token {
    my ($path, $token, @more) = @_;
    return request($flexilib, GET => $path, headers => [(defined $token ? (Authorization => "Bearer $token") : ()), @more]);
}

sub refused {
    my ($claim, $path, $token, $reason, $status, $headers) = @_;
    my $response = with_token($path, $token, @{ $headers // [] });
    my $error    = ($status // 401) == 401 ? 'invalid_token' : 'insufficient_scope';
    is($response->status, $status // 401, "$claim: refused");
    like($response->header('www-authenticate') // '', qr/^Bearer realm="\w+", error="$error", error_description="$reason"$/, "$claim: and told why");
    return;
}

my $none = with_token('/');
is($none->status, 401, 'without a token: 401');
is($none->header('www-authenticate'), 'Bearer realm="flexilib"', 'with a plain challenge');
is(request($flexilib, GET => '/', headers => [Authorization => 'Basic YTpi'])->header('www-authenticate'), 'Bearer realm="flexilib"', 'another scheme is no token');

for my $algorithm (@algorithms) {
    my $token    = $keys->sign($key_of{$algorithm}, \%claims, algorithm => $algorithm);
    my $response = with_token('/', $token);
    is($response->status, 200, "$algorithm: a good token passes");
    like($response->body, qr/^x-sub: alice$/m, "$algorithm: and tells whose it is");
    my ($head, $body, $signature) = split /\./, $token;
    my $changed = base64url('{"iss":"login","aud":"shop","sub":"mallory","exp":' . (time + 3600) . '}');
    refused("$algorithm, other claims", '/', "$head.$changed.$signature", "the token's signature is wrong");
    substr($signature, 10, 1) = substr($signature, 10, 1) eq 'A' ? 'B' : 'A';
    refused("$algorithm, a changed signature", '/', "$head.$body.$signature", "the token's signature is wrong");
    refused("$algorithm, no signature", '/', "$head.$body.", 'the token is not three parts with dots between them');
}
is(with_token('/short', sign_secret('HS256', $short, \%claims))->status, 200, 'a secret of 32 bytes will do for HS256');
for my $algorithm (qw(HS256 HS384 HS512)) {
    is(with_token('/secret', sign_secret($algorithm, $secret, \%claims))->status, 200, "$algorithm: a good token passes");
    refused("$algorithm, another secret", '/secret', sign_secret($algorithm, "$secret!", \%claims), "the token's signature is wrong");
}

my $unknown_algorithm = "the token's algorithm is not accepted";
my $unknown_key       = "the token's key is not known";
my $json = '{"iss":"login","aud":"shop","sub":"alice","exp":' . (time + 3600) . '}';
for my $name (qw(none None NONE nOnE), '', 'HS1', 'RS1', 'ES256K', 'dir') {
    refused("alg '$name'", '/', assemble(qq({"alg":"$name","typ":"JWT"}), $json, 'x'), $unknown_algorithm);
}
refused('none without signature', '/', assemble('{"alg":"none"}', $json, ''), 'the token is not three parts with dots between them');
refused("a public key as secret, $_", '/pem', sign_secret('HS256', $_ eq 'pem' ? $keys->pem('rsa') : $keys->read_bytes('rsa.der'), \%claims), $unknown_algorithm) for qw(pem der);
refused('a public key as secret, by kid', '/', sign_secret('HS256', $keys->pem('rsa'), \%claims, header => { kid => 'rsa' }), $unknown_algorithm);
refused('a secret that was published', '/', sign_secret('HS256', $secret, \%claims, header => { kid => 'leaked' }), $unknown_algorithm);
refused('a public key where there is a secret', '/secret', $keys->sign(rsa => \%claims), $unknown_algorithm);
refused('wrong kid', '/', $keys->sign(rsa => \%claims, header => { kid => 'ES256' }), $unknown_key);
refused('a kid that is not there', '/', $keys->sign(rsa => \%claims, header => { kid => 'nobody' }), $unknown_key);
refused('another key under a known kid', '/', $keys->sign(other => \%claims, header => { kid => 'ES256' }), "the token's signature is wrong");
refused('a key in the header is no key', '/', $keys->sign(other => \%claims, header => { kid => 'other', jwk => $keys->jwk('other') }), $unknown_key);
refused('a key that is for encryption', '/', $keys->sign(other => \%claims, header => { kid => 'encryption' }), $unknown_key);
refused('a key that is pinned to another algorithm', '/', $keys->sign(rsa => \%claims, header => { kid => 'pinned' }), $unknown_key);
is(with_token('/', $keys->sign(rsa => \%claims, algorithm => 'PS256', header => { kid => 'pinned' }))->status, 200, 'and the one it is pinned to');
refused("a secret that is too short for $_", '/short', sign_secret($_, $short, \%claims), $unknown_key) for qw(HS384 HS512);
refused('a key with an exponent of 1', '/', $keys->sign(rsa => \%claims, header => { kid => 'sham' }), $unknown_key);
refused('a weak key', '/', $keys->sign(weak => \%claims), $unknown_key);
refused('a curve of another algorithm', '/', $keys->sign(ES384 => \%claims, header => { alg => 'ES256' }), $unknown_key);
is(with_token('/', $keys->sign(rsa => \%claims, header => { kid => undef }))->status, 200, 'without kid any key of the kind may be meant');
is(with_token('/pem', $keys->sign(ES256 => \%claims))->status, 200, 'keys in PEM have no kid, so any does');
refused('not of those algorithms', '/few', $keys->sign(rsa => \%claims), $unknown_algorithm);
is(with_token('/few', $keys->sign(Ed25519 => \%claims))->status, 200, 'one of those algorithms');
refused('crit', '/', $keys->sign(rsa => \%claims, header => { crit => ['b64'], b64 => JSON::PP::false() }), 'the token asks for an extension that is not known');

my $good = $keys->sign(rsa => \%claims);
my ($head, $body, $signature) = split /\./, $good;
my $malformed = 'the token is malformed';
refused("malformed: $$_[0]", '/', $$_[1], $$_[2] // $malformed) for (
    ['one part',                   'abc', 'the token is not three parts with dots between them'],
    ['two parts',                  "$head.$body", 'the token is not three parts with dots between them'],
    ['four parts',                 "$good.$signature", 'the token is not three parts with dots between them'],
    ['five parts, encrypted',      "$head.$body.$signature.a.b", 'the token is not three parts with dots between them'],
    ['an empty header',            ".$body.$signature", 'the token is not three parts with dots between them'],
    ['padding',                    "$head.$body.$signature==" ],
    ['a blank',                    "$head.$body. $signature"],
    ['another alphabet',           "$head.$body." . ($signature =~ tr{-_}{+/}r) . '+/'],
    ['bits that are left over',    "$head.$body.AB" ],
    ['a length that cannot be',    "$head.$body.AAAAA"],
    ['a header that is no JSON',   assemble('{', $json, 'x')],
    ['a header that is a list',    assemble('["RS256"]', $json, 'x')],
    ['an algorithm twice',         assemble('{"alg":"RS256","alg":"none"}', $json, 'x')],
    ['an algorithm that is a number', assemble('{"alg":1}', $json, 'x'), 'the token names no algorithm'],
    ['a kid that is a number',     assemble('{"alg":"RS256","kid":1}', $json, 'x')],
    ['a NUL in the kid',           assemble('{"alg":"RS256","kid":"rsa\u0000x"}', $json, 'x')],
    ['claims that are a list',     $keys->sign(rsa => '[]')],
    ['a claim twice',              $keys->sign(rsa => '{"iss":"login","aud":"shop","exp":9999999999,"sub":"alice","sub":"mallory"}')],
    ['deep nesting',               $keys->sign(rsa => ('{"a":' x 2000) . '1' . ('}' x 2000)), 'the token is too long'],
    ['much too long',              'A' x 5000, 'the token is too long'],
);

my @late = (iss => 'login', aud => 'shop');
refused("claims: $$_[0]", '/', $keys->sign(rsa => $$_[1]), $$_[2]) for (
    ['expired',             { %claims, exp => time - 11 }, 'the token has expired'],
    ['no expiry',           { @late }, 'the token does not say when it expires'],
    ['an expiry in words',  { @late, exp => 'tomorrow' }, $malformed],
    ['not valid yet',       { %claims, nbf => time + 100 }, 'the token is not valid yet'],
    ['another issuer',      { %claims, iss => 'evil' }, 'the token is from another issuer'],
    ['an issuer that begins alike', { %claims, iss => 'login.evil' }, 'the token is from another issuer'],
    ['issuers in a list',   { %claims, iss => ['login', 'evil'] }, 'the token is from another issuer'],
    ['no issuer',           { aud => 'shop', exp => time + 100 }, 'the token is from another issuer'],
    ['another audience',    { %claims, aud => 'bank' }, 'the token is for another audience'],
    ['other audiences',     { %claims, aud => ['bank', 'shopping'] }, 'the token is for another audience'],
    ['no audience',         { iss => 'login', exp => time + 100 }, 'the token is for another audience'],
);
is(with_token('/', $keys->sign(rsa => $$_[1]))->status, 200, "claims: $$_[0]: passes") for (
    ['expired within the leeway', { %claims, exp => time - 5 }],
    ['valid soon',                { %claims, nbf => time + 5 }],
    ['one of several audiences',  { %claims, aud => ['bank', 'api'] }],
    ['another good issuer',       { %claims, iss => 'https://other/' }],
    ['a fraction of a second',    { %claims, exp => time + 100.5 }],
);
is(with_token('/lasting', $keys->sign(rsa => { sub => 'a' }))->status, 200, 'a token without expiry where that may be');

my %admin = (%claims, role => 'admin', level => 3);
is(with_token('/scope', $keys->sign(rsa => { %admin, scope => 'write other read' }))->status, 200, 'scopes as words');
is(with_token('/scope', $keys->sign(rsa => { %admin, scp => ['read', 'write'] }))->status, 200, 'scopes as a list');
refused('too few scopes', '/scope', $keys->sign(rsa => { %admin, scope => 'read writer' }), 'the token does not grant what is needed here', 403);
refused('another role', '/scope', $keys->sign(rsa => { %admin, role => 'user', scope => 'read write' }), 'the token does not claim what is needed here', 403);
refused('a level in words', '/scope', $keys->sign(rsa => { %admin, level => '4', scope => 'read write' }), 'the token does not claim what is needed here', 403);
is(with_token('/type', $keys->sign(rsa => \%claims, header => { typ => $_ }))->status, 200, "type $_") for 'at+jwt', 'application/AT+JWT';
refused('another type', '/type', $keys->sign(rsa => \%claims, header => { typ => 'JWT' }), 'the token is of another type');

my $told = with_token('/', $keys->sign(rsa => {
            %claims, name => 'Grüß', groups => ['a', 'b'], admin => JSON::PP::true(), level => 7,
            realm_access => { roles => ['x', 'y'] }, bad => "a\nb"
        }), 'X-Bad' => 'spoofed', 'X-Sub' => 'spoofed')->body;
like($told, qr/^\Q$_\E$/m, "told: $_") for 'x-sub: alice', 'x-groups: a b', 'x-admin: true', 'x-level: 7', 'x-roles: x y';
unlike(with_token('/', $keys->sign(rsa => { %claims, name => ' blanks ' }), 'X-Name' => 'spoofed')->body, qr/^x-name/mi, 'nor with a claim that no field can hold');
unlike(with_token('/', $good, X_Sub => 'spoofed', x_bad => 'spoofed')->body, qr/^x_|spoofed/mi, 'nor by a name that some take for the same');
unlike($told, qr/spoofed/, 'what the client says by those names is gone, also where the claim is none for a field');

like(with_token('/optional')->body, qr/^x-sub: nobody$/m, 'optional: none is needed');
like(with_token('/optional', $good)->body, qr/^x-sub: alice$/m, 'one that is there counts');
refused('optional, a bad one', '/optional', "$head.$body.AAAA", "the token's signature is wrong");

is(request($flexilib, GET => '/elsewhere', headers => ['X-Token' => $_])->status, 200, 'in a field of another name') for $good, "Bearer $good";
unlike(request($flexilib, GET => '/elsewhere', headers => ['X-Token' => $good])->body, qr/x-token/i, 'which goes no further');
unlike(request($flexilib, GET => '/elsewhere', headers => [X_Token => $good])->body, qr/x.token/i, 'nor does it by a name that some take for the same');
is(request($flexilib, GET => '/elsewhere', headers => [Cookie => "a=b; token=$good; c=d"])->status, 200, 'in a cookie');
is(request($flexilib, GET => "/elsewhere?a=b&token=$good")->status, 200, 'in the query');
is(request($flexilib, GET => '/elsewhere', headers => [Cookie => "xtoken=$good"])->status, 401, 'a cookie whose name ends alike is another');

# Whoever is behind us may look at another place than was judged here.
my $forged   = "$head." . base64url('{"sub":"mallory"}') . ".$signature";
my $several  = qr/^Bearer realm="flexilib", error="invalid_request", error_description="there are several tokens"$/;
my @elsewhere = (GET => '/elsewhere');
for my $case (
    ['a field that comes twice', [GET => '/', headers => [(Authorization => "Bearer $good") x 2]]],
    ['another by a name that some take for the same', [@elsewhere, headers => ['X-Token' => $good, X_Token => $forged]]],
    ['another by that name than in the cookie', [@elsewhere, headers => [X_Token => $forged, Cookie => "token=$good"]]],
    ['another in a second cookie', [@elsewhere, headers => [Cookie => "token=$good; token=$forged"]]],
    ['another in a second field of cookies', [@elsewhere, headers => [Cookie => "token=$good", Cookie => "token=$forged"]]],
    ['another in quotes', [@elsewhere, headers => [Cookie => qq(token="$forged"; token=$good)]]],
    ['another behind a blank', [@elsewhere, headers => [Cookie => "token =$forged; token=$good"]]],
    ['another in a second parameter', [GET => "/elsewhere?token=$good&token=$forged"]],
    ['another behind a semicolon', [GET => "/elsewhere?token=$good&a=b;token=$forged"]],
    ['another in a parameter that is spelled otherwise', [GET => "/elsewhere?token=$good&%74oke%6E=$forged"]],
    ['another in the cookie than in the field', [@elsewhere, headers => ['X-Token' => $good, Cookie => "token=$forged"]]],
    ['another in the query than in the cookie', [GET => "/elsewhere?token=$forged", headers => [Cookie => "token=$good"]]],
) {
    my ($what, $arguments) = @$case;
    my $response = request($flexilib, @$arguments);
    is($response->status, 400, "$what: 400");
    like($response->header('www-authenticate'), $several, "$what: and told why");
}
is(request($flexilib, GET => "/elsewhere?token=$good", headers => ['X-Token' => $good, Cookie => "token=$good"])->status, 200, 'the same everywhere is one');
like(request($flexilib, GET => '/elsewhere', headers => ['X-Token' => '', Cookie => "token=$good"])->header('www-authenticate'), $several, 'nothing is another');
my $kept = request($flexilib, GET => '/kept', headers => [Authorization => 'Basic YTpi', Cookie => "token=$good"]);
like($kept->body, qr/^authorization: Basic YTpi$/mi, 'a field that did not hold the token stays');

refused("optional, one that others might read: $$_[0]", '/optional', undef, $$_[2], 401, [Authorization => $$_[1]]) for (
    ['nothing',      'Bearer',            'the token is not three parts with dots between them'],
    ['behind a tab', "Bearer\t$forged",  "the token's signature is wrong"],
    ['two blanks',   "bearer  $forged",   "the token's signature is wrong"],
);

# What somebody may choose in a token must not take the place of what the issuer says.
sub told_of {
    my ($json) = @_;
    return with_token('/', $keys->sign(rsa => qq({"iss":"login","aud":"shop","exp":9999999999,$json})))->body;
}
my $many = join ',', map { qq("claim$_":"x") } 1 .. 60;
for my $case (
    ['"Sub":"mallory","sub":"alice"', 'x-sub: alice'],
    ['"sub":"alice","SUB":"mallory"', 'x-sub: alice'],
    ['"realm_access.roles":"admin","realm_access":{"roles":["user"]}', 'x-roles: user'],
    ['"realm_access":{"roles":["user"],"Roles":["admin"]}', 'x-roles: user'],
    [qq("Sub":"alice"), 'x-sub: alice'],
    [qq("more":{$many},"sub":"alice"), 'x-sub: alice'],
    ['"list":["a","b"]', 'x-list: a b'],
) {
    my ($json, $line) = @$case;
    like(told_of($json), qr/^\Q$line\E$/m, "told: $line, of $json");
}
unlike(told_of($_), qr/^x-list/m, "not told: $_") for '"list":["a b","c"]', '"list":["a",""]', '"list":["a",1]';

my $both = request($flexilib, GET => '/two', headers => [Authorization => 'Bearer ' . $keys->sign(rsa => { %claims, role => 'admin' }), 'X-Service' => $keys->sign(ES256 => { %claims, sub => 'shop' })]);
like($both->body, qr/^x-both: alice admin shop none$/m, 'of two tokens one tells nothing in the name of the other');
my $private = $keys->read_bytes('rsa.key');
my $weak    = 'key 2 is of a kind that is not used for tokens, or an RSA key of less than 2048 bits';
for my $case (
    ['a private key behind a public one', $keys->pem('rsa') . $private, qr/and entry 2 is none/],
    ['an entry that is cut off', $keys->pem('rsa') . substr($keys->pem('ES256'), 0, 80), qr/and entry 2 is none/],
    ['an entry that is no key', "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", qr/and entry 1 is none/],
    ['a mark and nothing behind it', '-----BEGIN ', qr/and entry 1 is none/],
    ['a weak key behind a good one', $keys->pem('rsa') . $keys->pem('weak'), qr/$weak/],
    ['a set of a secret too short', '{"keys":[{"kty":"oct","k":"AAAA"}]}', qr/it holds no key/],
    ['JSON that is no object', '["RSA"]', qr/it holds no key/],
) {
    my ($what, $text, $expected) = @$case;
    is_refused($what, 'jwks_file: keys', $expected, keys => $text);
}
is_refused($_->[0], $_->[0], $_->[1]) for (
    ["secret: \"$short\", algorithms: [HS512]", qr/a secret has 48 bytes at least for HS384, and 64 for HS512/],
    ["secret: \"$short\", name: Service", qr/a name is made of a-z, 0-9, '-' and '_', 27 of them at most/],
    ["secret: \"$short\", name: \"\"", qr/a name is made of/],
    ["secret: \"$short\", realm: 'a\"b'", qr/a realm is up to 100 printable characters/],
    ["secret: \"$short\", leeway: 11m", qr/leeway/],
);
done_testing;

sub is_refused {
    my ($what, $options, $expected, %files) = @_;
    my $result = run_flexilib(['check'], files => \%files, config => "listen: 127.0.0.1:0\nroutes:\n  - match: /\n    filters: [{ jwt: { $options } }]\n    handler: hello\n");
    is($result->{status}, 78, "refused: $what");
    like($result->{err}, $expected, 'with a reason');
    return;
}
