package FlexiLib::Test::Certificates;

# An authority of the test's own and the certificates that it issues, made by openssl in a folder.
#
#   my $authority = FlexiLib::Test::Certificates->new(make_folder());
#   $authority->issue('shop', 'DNS:shop.example');    # FOLDER/shop.pem and FOLDER/shop.key; days => 0 has expired,
#                                                     # key => 'rsa'; usually a key of a curve; until => TIME: its end
#   $authority->respond('shop', 'shop.ocsp');         # FOLDER/shop.ocsp: it holds, until tomorrow
#   $authority->answer('shop', FILE, FILE);           # what its responder says to a request: status => 'R', signer => NAME,
#                                                     # index => NAME of the only certificate that it knows
#   $authority->revoke('revoked.crl', ['shop']);      # FOLDER/revoked.crl: these hold no more; days => 0 is out of date
#   $authority->path;                                 # FOLDER/ca.pem

use strict;
use warnings;

use FlexiLib::Test::Process;
use POSIX qw(strftime);

my @key     = qw(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes);
my @rsa_key = qw(-newkey rsa:2048 -nodes);

sub new {
    my ($class, $folder) = @_;
    my $self = bless { folder => $folder }, $class;
    $self->run(qw(req -x509 -days 10 -subj), '/CN=Authority of the test', @key, qw(-keyout ca.key -out ca.pem));
    return $self;
}

sub run {
    my ($self, @arguments) = @_;
    my $process = FlexiLib::Test::Process->start(dir => $self->{folder}, command => ['openssl', @arguments]);
    my $status  = $process->wait_status;
    $process->wait_streams;
    die "openssl @arguments: " . $process->text('stderr') if !defined $status || $status != 0;
    return;
}

sub path { return "$_[0]{folder}/" . ($_[1] // 'ca.pem') }

sub issue {
    my ($self, $name, $subject_names, %option) = @_;
    $self->write_text("$name.ext", "subjectAltName=$subject_names\n");
    $self->run(qw(req -new -subj), "/CN=$name",
        ($option{key} // '') eq 'rsa' ? @rsa_key : @key, '-keyout', "$name.key", '-out', "$name.csr");
    if (defined $option{until}) {
        $self->issue_until($name, $option{until});
    } else {
        $self->run(qw(x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -in), "$name.csr", '-extfile', "$name.ext",
            '-days', $option{days} // 10, '-out', "$name.pem");
    }
    return;
}

sub issue_until {
    my ($self, $name, $until) = @_;
    $self->write_text('issued.index', '');
    $self->write_text('until.conf', "[ca]\ndefault_ca=own\n[own]\ndatabase=issued.index\nnew_certs_dir=.\ndefault_md=sha256\n"
        . "policy=any\nrand_serial=yes\n[any]\ncommonName=supplied\n");
    $self->run(qw(ca -batch -notext -config until.conf -cert ca.pem -keyfile ca.key -enddate), strftime('%Y%m%d%H%M%SZ', gmtime $until),
        '-extfile', "$name.ext", '-in', "$name.csr", '-out', "$name.pem");
    return;
}

sub serial {
    my ($self, $name) = @_;
    $self->run(qw(x509 -noout -serial -in), "$name.pem", '-out', "$name.serial");
    open my $in, '<', $self->path("$name.serial") or die "cannot read: $!";
    my ($serial) = <$in> =~ /=(\w+)/;
    close $in;
    return $serial;
}

sub write_text {
    my ($self, $file, $text) = @_;
    open my $out, '>', $self->path($file) or die "cannot write: $!";
    print {$out} $text;
    close $out;
    return;
}

sub revoke {
    my ($self, $file, $names, %option) = @_;
    $self->write_text('revoked.index', join '', map { "R\t491231235959Z\t200101000000Z\t" . $self->serial($_) . "\tunknown\t/CN=$_\n" } @$names);
    $self->write_text('ca.conf', "[ca]\ndefault_ca=own\n[own]\ndatabase=revoked.index\ndefault_md=sha256\n");
    my @until = ($option{days} // 1) ? ('-crldays', 1) : qw(-crl_lastupdate 20200101000000Z -crl_nextupdate 20200102000000Z);
    $self->run(qw(ca -gencrl -config ca.conf -cert ca.pem -keyfile ca.key), @until, '-out', $file);
    return;
}

sub respond {
    my ($self, $name, $file) = @_;
    $self->run(qw(ocsp -issuer ca.pem -no_nonce -cert), "$name.pem", '-reqout', "$name.request");
    $self->answer($name, "$name.request", $file);
    return;
}

sub write_index {
    my ($self, $name, $status) = @_;
    my $revoked = $status eq 'R' ? '200101000000Z' : '';
    $self->write_text("$name.index", "$status\t491231235959Z\t$revoked\t" . $self->serial($name) . "\tunknown\t/CN=$name\n");
    return;
}

sub answer {
    my ($self, $name, $request, $file, %option) = @_;
    my $signer = $option{signer} // 'ca';
    $self->write_index($option{index} // $name, $option{status} // 'V');
    $self->run(qw(ocsp -CA ca.pem -rsigner), "$signer.pem", '-rkey', "$signer.key", '-index', ($option{index} // $name) . '.index',
        qw(-ndays 1 -reqin), $request, '-respout', $file);
    return;
}

1;
