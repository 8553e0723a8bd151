# A server whose requests fail several times in a row is left alone for a while, longer each time; but never more than
# half of an upstream's servers are, and none where `eject: no` says so. All workers know, and a reload forgets nothing.

use lib 't/lib';
use FlexiLib::Test;

my $folder = make_folder();
my %server = map { $_ => start_named($_) } qw(a b c d);

# Answers with its name; while NAME.broken is there it closes the connection instead, while NAME.poor is there it
# answers 500.
sub start_named {
    my ($name) = @_;
    return start_backend(
        sub {
            my ($connection) = @_;
            while ($connection->read_request) {
                return if -e "$folder/$name.broken";
                $connection->respond(-e "$folder/$name.poor" ? 500 : 200, [], $name);
            }
        }
    );
}

sub make { write_file("$folder/$_[0]", '') }
sub heal { unlink "$folder/$_[0]" or die "unlink: $!" }
sub url  { return quotemeta $server{ $_[0] }->url }

my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 2
upstreams:
  pair:
    servers: ["@{[$server{a}->url]}", "@{[$server{b}->url]}"]
    eject: { failures: 3, time: 1h }
    retry: no
  short:
    servers: ["@{[$server{a}->url]}", "@{[$server{b}->url]}"]
    eject: { failures: 2, time: 50ms, longest: 200ms }
    retry: no
  many:
    servers: [@{[join ', ', map { '"' . $server{$_}->url . '"' } qw(a b c d)]}]
    eject: { failures: 3, time: 1h }
    retry: no
  poor:
    servers: ["@{[$server{a}->url]}", "@{[$server{b}->url]}"]
    eject: { failures: 3, time: 1h, status: [500, 503] }
  alone:
    servers: ["@{[$server{a}->url]}"]
    eject: { failures: 1, time: 1h }
  never:
    servers: ["@{[$server{a}->url]}", "@{[$server{b}->url]}"]
    eject: no
    retry: no
routes: [@{[join ', ', map { "{ match: /$_, proxy: $_ }" } qw(pair short many poor alone never)]}]
END

# Each on a connection of its own, so that both workers have some.
sub ask {
    my ($upstream, $count) = @_;
    my %seen;
    for (1 .. $count // 20) {
        my $response = request($flexilib, GET => "/$upstream");
        $seen{ $response->status == 200 ? $response->body : $response->status }++;
    }
    return join ' ', sort keys %seen;
}

make('a.broken');
is(ask('pair', 40), '502 b', 'requests of a server that has broken fail');
my $a = url('a');
$flexilib->wait_log(qr/warning: upstream 'pair' server $a: put out for 3600 s after \d+ failures in a row$/);
is(ask('pair'), 'b', 'until it is put out');
$flexilib->reload;
$flexilib->wait_serving(2);
is(ask('pair'), 'b', 'for the next generation too');

is(ask('never', 40), '502 b', 'unless the upstream puts none out');
is(ask('alone'), '502', 'one that is alone stays');

ask('short', 10);
$flexilib->wait_log(qr/upstream 'short' server $a: put out for 50 ms after \d+ failures in a row$/);
ask('short', 1) while $flexilib->log !~ /upstream 'short' server $a: put out for 200 ms/;
heal('a.broken');
ask('short', 1) while ask('short', 4) !~ /a/;
$flexilib->wait_log(qr/info: upstream 'short' server $a: is back$/);
is(ask('short'), 'a b', 'it comes back when its time is over');

make("$_.broken") for qw(a b c);
ask('many', 60);
$flexilib->wait_log(qr/upstream 'many' server \S+: put out/) for 1 .. 2;
is(ask('many', 60), '502 d', 'the third of four that fails stays');
my @out = $flexilib->log =~ /upstream 'many' server \S+: put out/g;
is(@out, 2, 'half of them are out');
heal("$_.broken") for qw(a b c);

make('a.poor');
is(ask('poor', 40), '500 b', 'answers may be failures too');
$flexilib->wait_log(qr/upstream 'poor' server $a: put out for 3600 s/);
is(ask('poor'), 'b', 'where the upstream lists their status');

unlike($flexilib->log, qr/upstream '(?:never|alone)' server \S+: put out/, 'nothing else was put out');
done_testing;
