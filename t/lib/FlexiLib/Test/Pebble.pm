package FlexiLib::Test::Pebble;

# Pebble, Debian's small ACME authority for tests, on free ports, with a DNS server for the names that it is to look up.
#
#   my $pebble = FlexiLib::Test::Pebble->start(http_port => PORT, names => ['shop.example']);
#   $pebble->url      # of its directory
#   $pebble->ca       # whom its own https is trusted on: a file
#   $pebble->roots    # whom the certificates that it issues are trusted on: PEM

use strict;
use warnings;

use FlexiLib::Test;
use FlexiLib::Test::Certificates;

use JSON::PP ();

our @ISA = ('FlexiLib::Test::Process');

# http_port is where it asks for the challenges of http-01.
sub start {
    my ($class, %option) = @_;
    my $folder    = make_folder();
    my $authority = FlexiLib::Test::Certificates->new($folder);
    my $dns       = start_name_server(map { ($_ => { A => ['127.0.0.1'] }) } @{ $option{names} });
    $authority->issue('pebble', 'IP:127.0.0.1');
    my ($port, $management) = (free_port(), free_port());
    write_file("$folder/pebble.json", JSON::PP::encode_json({
        pebble => {
            listenAddress           => "127.0.0.1:$port",
            managementListenAddress => "127.0.0.1:$management",
            certificate             => $authority->path('pebble.pem'),
            privateKey              => $authority->path('pebble.key'),
            httpPort                => 0 + $option{http_port},
            tlsPort                 => 1,
        }
    }));
    my $self = $class->SUPER::start(
        dir     => $folder,
        command => ['pebble', '-config', 'pebble.json', '-dnsserver', $dns->address, '-strict'],
        env     => { PEBBLE_VA_NOSLEEP => 1, PEBBLE_WFE_NONCEREJECT => 0, PEBBLE_AUTHZREUSE => 0 },
    );
    @$self{qw(dns authority port management)} = ($dns, $authority, $port, $management);
    $self->get($port, '/dir');
    return $self;
}

# It says that it listens before it does.
sub get {
    my ($self, $port, $path) = @_;
    my $result = curl('--cacert', $self->ca, qw(--fail --retry 20 --retry-connrefused --retry-max-time 20), "https://127.0.0.1:$port$path");
    die "pebble does not answer: $result->{err}" . $self->text('stdout') . $self->text('stderr') if $result->{status} != 0;
    return $result->{out};
}

sub url   { return "https://127.0.0.1:$_[0]{port}/dir" }
sub ca    { return $_[0]{authority}->path }
sub roots { return $_[0]->get($_[0]{management}, '/roots/0') }

1;
