package FlexiLib::Test::Token;

# Keys and the tokens they sign (JWT), good ones and all kinds of bad ones, by openssl in a folder.
#
#   my $keys = FlexiLib::Test::Token->new(make_folder());
#   $keys->make('one', 'RS256');                            # a key pair for that algorithm, its kid 'one'
#   $keys->set('one', 'two');                               # a JWK set of their public keys, as text
#   $keys->jwk('one');                                      # one of them, as a hash
#   $keys->pem('one');                                      # the public key in PEM
#   $keys->sign('one', { sub => 'alice' });                 # a token; header => { ... } adds to its header or (undef) removes
#   sign_secret('HS256', $secret, { sub => 'alice' });      # by a shared secret, header => likewise
#   assemble('{"alg":"none"}', '{}', '');                   # of any three parts: texts

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256 hmac_sha384 hmac_sha512);
use Exporter 'import';
use FlexiLib::Test::Process;
use JSON::PP;
use MIME::Base64 qw(decode_base64 encode_base64url);

our @EXPORT_OK = qw(sign_secret assemble base64url);

my $json = JSON::PP->new->canonical;

my %kind = (
    (map { ("RS$_" => ['RSA', 'rsa_keygen_bits:2048'], "PS$_" => ['RSA', 'rsa_keygen_bits:2048']) } 256, 384, 512),
    ES256 => ['EC', 'ec_paramgen_curve:P-256', 'P-256', 32],
    ES384 => ['EC', 'ec_paramgen_curve:P-384', 'P-384', 48],
    ES512 => ['EC', 'ec_paramgen_curve:P-521', 'P-521', 66],
    Ed25519 => ['ED25519', undef, 'Ed25519', 32],
    Ed448   => ['ED448',   undef, 'Ed448',   57],
);

sub base64url { return encode_base64url($_[0]) }

sub assemble {
    my ($header, $claims, $signature) = @_;
    return join '.', map { base64url($_) } $header, $claims, $signature;
}

sub new {
    my ($class, $folder) = @_;
    return bless { folder => $folder, keys => {} }, $class;
}

sub run {
    my ($self, @arguments) = @_;
    my $process = FlexiLib::Test::Process->start(dir => $self->{folder}, command => ['openssl', @arguments]);
    my $status  = $process->wait_status;
    $process->wait_streams;
    die "openssl @arguments: " . $process->text('stderr') if !defined $status || $status != 0;
    return;
}

sub read_bytes {
    my ($self, $name) = @_;
    open my $in, '<:raw', "$self->{folder}/$name" or die "cannot read $name: $!";
    local $/;
    my $bytes = <$in>;
    close $in;
    return $bytes;
}

sub write_bytes {
    my ($self, $name, $bytes) = @_;
    open my $out, '>:raw', "$self->{folder}/$name" or die "cannot write $name: $!";
    print {$out} $bytes;
    close $out or die "cannot write $name: $!";
    return;
}

# bits => 1024 makes an RSA key that is too weak.
sub make {
    my ($self, $id, $algorithm, %option) = @_;
    my ($type, $parameter) = @{ $kind{$algorithm} };
    $parameter = "rsa_keygen_bits:$option{bits}" if $option{bits};
    $self->run('genpkey', '-algorithm', $type, ($parameter ? ('-pkeyopt', $parameter) : ()), '-out', "$id.key");
    $self->run('pkey', '-in', "$id.key", '-pubout', '-out', "$id.pem");
    $self->run('pkey', '-in', "$id.key", '-pubout', '-outform', 'DER', '-out', "$id.der");
    $self->{keys}{$id} = $algorithm;
    return;
}

sub pem { return $_[0]->read_bytes("$_[1].pem") }

# The two INTEGERs of the SEQUENCE that stands at the end of a DER text.
sub read_integers {
    my ($der) = @_;
    my @found;
    my $at = 0;
    my $take = sub {
        my $tag    = ord substr $der, $at++, 1;
        my $length = ord substr $der, $at++, 1;
        if ($length > 0x80) {
            my $count = $length & 0x7f;
            $length = hex unpack 'H*', substr $der, $at, $count;
            $at += $count;
        }
        return ($tag, $length);
    };
    $take->();
    for (1, 2) {
        my (undef, $length) = $take->();
        push @found, substr($der, $at, $length) =~ s/^\0+//r;
        $at += $length;
    }
    return @found;
}

sub jwk {
    my ($self, $id) = @_;
    my $algorithm = $self->{keys}{$id};
    my ($type, undef, $curve, $size) = @{ $kind{$algorithm} };
    my $der = $self->read_bytes("$id.der");
    my %common = (kid => $id, use => 'sig');
    if ($type eq 'RSA') {
        my ($n, $e) = read_integers($der =~ s/^.*?\x03(?:\x82..|\x81.|.)\x00(?=\x30)//sr);
        return { %common, kty => 'RSA', n => base64url($n), e => base64url($e) };
    }
    return { %common, kty => 'OKP', crv => $curve, x => base64url(substr $der, -$size) } if $type ne 'EC';
    return { %common, kty => 'EC', crv => $curve, x => base64url(substr $der, -2 * $size, $size), y => base64url(substr $der, -$size) };
}

sub set {
    my ($self, @ids) = @_;
    return $json->encode({ keys => [map { ref ? $_ : $self->jwk($_) } @ids] });
}

sub head_and_claims {
    my ($algorithm, $id, $claims, $changes) = @_;
    my %header = (alg => $algorithm =~ /^Ed/ ? 'EdDSA' : $algorithm, (defined $id ? (kid => $id) : ()), %{ $changes // {} });
    delete $header{$_} for grep { !defined $header{$_} } keys %header;
    return base64url($json->encode(\%header)) . '.' . base64url(ref $claims ? $json->encode($claims) : $claims);
}

sub make_signature {
    my ($self, $id, $algorithm, $text) = @_;
    $self->write_bytes('text', $text);
    my ($bits) = $algorithm =~ /(\d+)/;
    if ($algorithm =~ /^Ed/) {
        $self->run(qw(pkeyutl -sign -rawin -in text -out signature -inkey), "$id.key");
    } else {
        my @pss = $algorithm =~ /^PS/ ? ('-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:-1') : ();
        $self->run('dgst', "-sha$bits", '-sign', "$id.key", @pss, '-out', 'signature', 'text');
    }
    my $signature = $self->read_bytes('signature');
    return $signature if $algorithm !~ /^ES/;
    my $size = $kind{$algorithm}[3];
    return join '', map { ("\0" x ($size - length)) . $_ } read_integers($signature);
}

# algorithm => NAME signs with another of the same kind than the key was made for.
sub sign {
    my ($self, $id, $claims, %option) = @_;
    my $algorithm = $option{algorithm} // $self->{keys}{$id};
    my $text      = head_and_claims($algorithm, $id, $claims, $option{header});
    return "$text." . base64url($self->make_signature($id, $algorithm, $text));
}

sub sign_secret {
    my ($algorithm, $secret, $claims, %option) = @_;
    my $text = head_and_claims($algorithm, undef, $claims, $option{header});
    my $code = { HS256 => \&hmac_sha256, HS384 => \&hmac_sha384, HS512 => \&hmac_sha512 }->{$algorithm}->($text, $secret);
    return "$text." . base64url($code);
}

1;
