# Debian's certbot gets a certificate through acme_challenges, for which its webroot is FlexiLib's folder, and has FlexiLib
# take it up; so it does with a renewed one, while https_only holds and nobody is refused. The authority is Pebble.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Pebble;

need('certbot', 'pebble', 'curl', 'openssl');

my $folder = make_folder();
mkdir "$folder/$_" or die "mkdir: $!" for qw(acme tmp);
my $first  = <<'END';
listen: { address: "127.0.0.1:0", name: plain }
workers: 2
acme_challenges: acme
END
my $flexilib = start_flexilib(dir => $folder, config => $first);
my $pebble   = FlexiLib::Test::Pebble->start(http_port => $flexilib->port('plain'), names => ['shop.example', 'www.shop.example']);

sub certbot {
    my (@arguments) = @_;
    my $result = run_command(
        ['certbot', @arguments, qw(--non-interactive --config-dir), "$folder/letsencrypt", '--work-dir', "$folder/work", '--logs-dir', "$folder/logs"],
        env     => { REQUESTS_CA_BUNDLE => $pebble->ca, TMPDIR => "$folder/tmp", NO_PROXY => '*', no_proxy => '*' },
        timeout => 60,
    );
    return $result;
}
my @hook = ('--deploy-hook', 'kill -HUP ' . $flexilib->pid);

my $issued = certbot('certonly', '--webroot', '-w', "$folder/acme", qw(-d shop.example -d www.shop.example),
    qw(--agree-tos --register-unsafely-without-email --server), $pebble->url, @hook);
is($issued->{status}, 0, 'certbot gets a certificate') or diag(@$issued{qw(out err)}, $pebble->text('stdout'));
$flexilib->wait_serving(2);
pass('and FlexiLib reloads');
ok($flexilib->wait_access(qr{"GET /\.well-known/acme-challenge/[\w-]+ HTTP/1\.1" 200 }), 'the challenge was answered by FlexiLib');

my $live = "$folder/letsencrypt/live/shop.example";
ok(-l "$live/privkey.pem", 'certificates are links');
is((stat "$live/privkey.pem")[2] & 0777, 0600, 'and keys are private');
$flexilib->write_file('flexilib.yaml', <<"END");
listen:
  - { address: "127.0.0.1:0", name: plain }
  - address: 127.0.0.1:0
    name: secure
    tls: { certificate: $live/fullchain.pem, key: $live/privkey.pem }
workers: 2
acme_challenges: acme
https_only: yes
routes:
  - { match: /, respond: { body: by https } }
END
$flexilib->reload;
$flexilib->wait_serving(3);

my $port = $flexilib->port('secure');
write_file("$folder/roots.pem", $pebble->roots);
my @client = ('--cacert', "$folder/roots.pem", map { ('--resolve', "$_:$port:127.0.0.1") } qw(shop.example www.shop.example));
is(curl(@client, "https://$_:$port/")->{out}, 'by https', "$_ is served with it") for qw(shop.example www.shop.example);

sub serial {
    return run_command(['sh', '-c', "exec openssl s_client -connect 127.0.0.1:$port -servername shop.example </dev/null 2>/dev/null | openssl x509 -noout -serial"])->{out};
}
my $old = serial();
like($old, qr/^serial=\w+$/, 'it has a number');

# as for a FlexiLib that is not root's
chmod 0640, "$live/privkey.pem" or die "chmod: $!";
my $load    = start_load($flexilib, listener => 'plain', status => 308, headers => [Host => 'shop.example']);
my $renewed = certbot('renew', '--force-renewal', '--no-random-sleep-on-renew');
is($renewed->{status}, 0, 'certbot renews it by itself, though http is led to https') or diag(@$renewed{qw(out err)}, $pebble->text('stdout'));
$flexilib->wait_serving(4);
isnt(serial(), $old, 'and FlexiLib shows the new one');
is(curl(@client, "https://shop.example:$port/")->{out}, 'by https', 'which is as good');
is((stat "$live/privkey.pem")[2] & 0777, 0640, 'its key may be read by whom the old one was');
is_deeply($load->stop->{failures}, [], 'nobody was refused meanwhile');
done_testing;
