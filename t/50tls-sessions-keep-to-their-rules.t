# A session is taken up again only where a full handshake would have led to the same: not for another certificate or, in
# TLS 1.2, another name; not under other rules for clients' certificates, be it of another listener or of a later
# generation. Open connections outlive the reload that changes all of this.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
my $members   = FlexiLib::Test::Certificates->new(make_folder());
my $others    = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('wide',  'DNS:*.shop.example');
$authority->issue('blog',  'DNS:blog.example');
$members->issue('alice', 'DNS:alice.example');
$members->revoke('none.crl',  []);
$members->revoke('alice.crl', ['alice']);
my $flexilib = start_flexilib(
    files => {
        (map { ("$_.pem" => read_file($authority->path("$_.pem")), "$_.key" => read_file($authority->path("$_.key"))) } qw(wide blog)),
        'members.pem' => read_file($members->path),
        'members.crl' => read_file($members->path('none.crl')),
    },
    config => <<'END');
listen:
  - address: 127.0.0.1:0
    name: any
    tls: { certificates: [{ certificate: wide.pem, key: wide.key }, { certificate: blog.pem, key: blog.key }] }
  - address: 127.0.0.1:0
    name: members
    tls: { certificate: wide.pem, key: wide.key, clients: { ca: members.pem, crl: members.crl } }
workers: 2
routes:
  - { match: /, respond: { body: "fine" } }
END
my $folder  = make_folder();
my @alice   = map { ("-$_->[0]", $members->path("alice.$_->[1]")) } ['cert', 'pem'], ['key', 'key'];
my $request = q(printf 'GET / HTTP/1.0\r\nHost: a.shop.example\r\n\r\n');

sub s_client {
    my ($listener, $name, $version, @arguments) = @_;
    my $shell = $request . ' | openssl s_client -ign_eof "$@" 2>&1';
    $shell =~ s/a\.shop\.example/$name/;
    return run_command(['sh', '-c', $shell, 'sh', '-connect', $flexilib->address($listener), '-servername', $name, "-$version", @arguments])->{out};
}
sub outcome {
    my $out = s_client(@_);
    return $out =~ /^(New|Reused), TLS.*^fine/ms ? $1 : 'refused';
}

for my $version ('tls1_2', 'tls1_3') {
    my $session = "$folder/$version";
    is(outcome('any', 'a.shop.example', $version, '-sess_out', $session), 'New', "$version: a session is begun");
    is(outcome('any', 'a.shop.example', $version, '-sess_in', $session), 'Reused', 'and taken up again for the same name');
    is(outcome('any', 'A.Shop.Example', $version, '-sess_in', $session), 'Reused', 'in any case');
    is(outcome('any', 'blog.example', $version, '-sess_in', $session), 'New', 'not for a name with another certificate');
    is(outcome('any', 'b.shop.example', $version, '-sess_in', $session), $version eq 'tls1_2' ? 'New' : 'Reused',
        'for another name of the same certificate as the version has it');
    is(outcome('members', 'a.shop.example', $version, '-sess_in', $session), 'refused', 'it is no way past the demand for a certificate');
    is(outcome('members', 'a.shop.example', $version, '-sess_in', $session, @alice), 'New', 'with one, it is begun anew');
    is(outcome('members', 'a.shop.example', $version, '-sess_out', "$session-alice", @alice), 'New', 'a session of somebody');
    is(outcome('members', 'a.shop.example', $version, '-sess_in', "$session-alice", @alice), 'Reused', 'is taken up again');
    is(outcome('any', 'a.shop.example', $version, '-sess_in', "$session-alice", @alice), 'New', 'but not where nobody is asked');
    unlike(s_client('any', 'a.shop.example', $version), qr/Max Early Data: [1-9]/, 'no data is asked for ahead of a handshake');
}

for my $version ('tls1_2', 'tls1_3') {
    my ($began, @short, $end) = ('');
    for (my $life = 5; $began ne 'New' && $life < 100; $life *= 3) {
        $end = time + $life;
        $members->issue('short', 'DNS:short.example', until => $end);
        @short = map { ("-$_->[0]", $members->path("short.$_->[1]")) } ['cert', 'pem'], ['key', 'key'];
        $began = outcome('members', 'a.shop.example', $version, '-sess_out', "$folder/short", @short);
    }
    is($began, 'New', "$version: a session by a certificate that ends soon");
    while (time < $end + 60 && outcome('members', 'a.shop.example', $version, @short) eq 'New') { }
    is(outcome('members', 'a.shop.example', $version, '-sess_in', "$folder/short", @short), 'refused', 'ends with it');
}

my $pid = open my $pipe, '|-', 'sh', '-c', 'exec openssl s_client -quiet "$@" >/dev/null 2>/dev/null', 'sh', '-connect', $flexilib->address('members'), @alice;
sub ask_on { syswrite $pipe, "GET /$_[0] HTTP/1.1\r\nHost: a.shop.example\r\n\r\n"; return $flexilib->wait_access(qr{"GET /$_[0] HTTP/1\.1" 200}) }
ask_on('before');
$flexilib->write_file('members.crl', read_file($members->path('alice.crl')));
$flexilib->reload;
$flexilib->wait_serving(2);
like(ask_on('after'), qr/"CN=alice"/, 'a connection that is open during a reload is served');
close $pipe;
for my $version ('tls1_2', 'tls1_3') {
    is(outcome('any', 'a.shop.example', $version, '-sess_in', "$folder/$version"), 'Reused', "$version: after a reload sessions are taken up where nothing has changed");
    is(outcome('members', 'a.shop.example', $version, '-sess_in', "$folder/$version-alice", @alice), 'refused', 'not where they could not be begun any more');
}
$flexilib->write_file('members.crl', read_file($members->path('none.crl')));
$flexilib->write_file('members.pem', read_file($members->path) . read_file($others->path));
$flexilib->reload;
$flexilib->wait_serving(3);
is(outcome('members', 'a.shop.example', $_, '-sess_in', "$folder/$_-alice", @alice), 'New', "$_: nor where others are trusted since") for 'tls1_2', 'tls1_3';
done_testing;
