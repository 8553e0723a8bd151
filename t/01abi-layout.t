# The contract's structs keep their layout: a library that was built yesterday works with FlexiLib as it is today. Where
# this fails, FLEXILIB_ABI_MINOR has to grow (something was added at an end) or FLEXILIB_ABI_MAJOR (anything else); then
# the table below takes the new layout, which the failure shows.

use lib 't/lib';
use FlexiLib::Test;

need('cc');
my $root   = root_folder();
my $header = read_file("$root/filters/include/flexilib/filter.h") =~ s{/\*.*?\*/}{}gsr;

my $program = "#include \"flexilib/filter.h\"\n#include <stdio.h>\nint main(void)\n{\n"
    . "    printf(\"abi %d.%d\\n\", FLEXILIB_ABI_MAJOR, FLEXILIB_ABI_MINOR);\n";
while ($header =~ /^struct (\w+) \{\n(.*?)^\};/msg) {
    my ($struct, $body) = ($1, $2);
    $program .= "    printf(\"$struct %zu\\n\", sizeof(struct $struct));\n";
    for my $member (split /;/, $body =~ s/^\s*#.*$//mgr) {
        next if $member !~ /\S/;
        my @names = $member =~ /\(\*(\w+)\)/ ? ($1) : map { /(\w+)\s*$/ } split /,/, $member;
        $program .= "    printf(\"  $_ %zu\\n\", offsetof(struct $struct, $_));\n" for @names;
    }
}
$program .= "    return 0;\n}\n";

my $folder = make_folder();
write_file("$folder/layout.c", $program);
my $compiled = run_command(['cc', '-std=c11', "-I$root/filters/include", '-o', 'layout', 'layout.c'], dir => $folder);
is($compiled->{status}, 0, 'a program that asks for the layout compiles') or diag($compiled->{err});
my $machine = run_command(['cc', '-dumpmachine'])->{out};

SKIP: {
    skip "the table is for x86-64, this is $machine", 1 if $machine !~ /^x86_64-linux-gnu$/m;
    my $layout = run_command(["$folder/layout"], dir => $folder)->{out};
    my $table  = do { local $/; <DATA> };
    is($layout, $table, 'sizes and offsets are those of the table') or diag("The layout now:\n$layout");
}

done_testing;

__DATA__
abi 0.9
flexilib_text 16
  data 0
  length 8
flexilib_option 48
  name 0
  type 8
  required 12
  fallback 16
  minimum 24
  maximum 32
  summary 40
flexilib_pair 32
  name 0
  value 16
flexilib_value 56
  present 0
  boolean 1
  integer 8
  text 16
  list 32
  map 40
  count 48
flexilib_core 272
  size 0
  log 8
  refuse 16
  method 24
  set_method 32
  scheme 40
  authority 48
  set_authority 56
  path 64
  set_path 72
  query 80
  set_query 88
  status 96
  set_status 104
  header_count 112
  header_at 120
  header 128
  set_header 136
  add_header 144
  remove_header 152
  peer_address 160
  peer_port 168
  route 176
  request_id 184
  allocate 192
  state 200
  set_state 208
  reply 216
  pass 224
  write 232
  ticket 240
  resume 248
  extension 256
  tls 264
flexilib_filter 104
  name 0
  summary 8
  version 16
  options 24
  option_count 32
  create 40
  destroy 48
  on_request_head 56
  on_request_body 64
  on_response_head 72
  on_response_body 80
  on_resume 88
  on_end 96
flexilib_library 32
  abi_major 0
  abi_minor 2
  size 4
  filter_size 8
  option_size 12
  value_size 16
  filter_count 20
  filters 24
