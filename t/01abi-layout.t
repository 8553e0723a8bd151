# The contract keeps its layout and its numbers: a library that was built yesterday works with FlexiLib as it is today.
# Where this fails, FLEXILIB_ABI_MINOR has to grow (something was added at an end) or FLEXILIB_ABI_MAJOR (anything else);
# then the table below takes the new layout, which the failure shows. Until a minor is released, its last table may still
# get longer. What is between the layout (the type of a member, what a call takes) is in the copies of t/abi: the newest
# has the code of today's header. After a change that is meant:
#
#   cp filters/include/flexilib/filter.h t/abi/filter-0.9.h
#
# Copies of what was released before stay as they are; t/40filter-built-for-older-contracts-works.t builds with each.
# Extensions have revisions of their own: where a call changes, or one is taken out, the id and the copy get the next
# number. The header of the original's libraries never changes.

use lib 't/lib';
use FlexiLib::Test;

need('cc', 'c++');
my $root    = root_folder();
my $folder  = "$root/filters/include";
my @headers = map { s{^\Q$folder\E/}{}r } "$folder/flexilib/filter.h", sort(glob "$folder/flexilib/ext/*.h"), "$folder/flexilib/original.h";
cmp_ok(scalar @headers, '>', 5, 'the headers are found');

sub code_of {
    my ($path) = @_;
    return read_file($path) =~ s{/\*.*?\*/}{}gsr;
}

# Lines of a program that tells the value of every constant: "#define NAME VALUE", but no guards and no macros of code.
sub ask_constants {
    my ($code) = @_;
    my $lines = '';
    while ($code =~ /^#define (FLEXILIB_\w+) +(\S.*?) *$/mg) {
        my ($name, $value) = ($1, $2);
        next if $value =~ /\\$|[{]|^extern|^FLEXILIB_\w+\(/;
        $lines .= $value =~ /^"/ ? "    printf(\"$name %s\\n\", $name);\n" : "    printf(\"$name %lld\\n\", (long long)$name);\n";
    }
    return $lines;
}

sub ask_layout {
    my ($code) = @_;
    my $lines = '';
    $lines .= "    printf(\"$1 %zu\\n\", sizeof($1));\n" while $code =~ /^typedef \w+ (\w+);/mg;
    while ($code =~ /^struct (\w+) \{\n(.*?)^\};/msg) {
        my ($struct, $body) = ($1, $2);
        $lines .= "    printf(\"$struct %zu\\n\", sizeof(struct $struct));\n";
        for my $member (split /;/, $body =~ s/^\s*#.*$//mgr) {
            next if $member !~ /\S/;
            my @names = $member =~ /\(\*(\w+)\)/ ? ($1) : map { /(\w+)\s*$/ } split /,/, $member;
            $lines .= "    printf(\"  $_ %zu\\n\", offsetof(struct $struct, $_));\n" for @names;
        }
    }
    return $lines;
}

my $program = join('', map { "#include \"$_\"\n" } @headers) . "#include <stdio.h>\nint main(void)\n{\n";
for my $header (@headers) {
    my $code = code_of("$folder/$header");
    $program .= "    printf(\"$header\\n\");\n" . ask_constants($code) . ask_layout($code);
}
$program .= "    return 0;\n}\n";

my $table   = do { local $/; <DATA> };
my $machine = run_command(['cc', '-dumpmachine'])->{out};
for my $language (['cc', '-std=c11', 'layout.c'], ['c++', '-std=c++17', 'layout.cc']) {
    my ($compiler, $standard, $file) = @$language;
    my $place = make_folder();
    write_file("$place/$file", $program);
    my $compiled = run_command([$compiler, $standard, "-I$folder", '-o', 'layout', $file], dir => $place);
    is($compiled->{status}, 0, "$compiler: a program that asks for the layout compiles") or diag($compiled->{err});
    SKIP: {
        skip "the table is for x86-64, this is $machine", 1 if $machine !~ /^x86_64-linux-gnu$/m;
        my $layout = run_command(["$place/layout"], dir => $place)->{out};
        is($layout, $table, "$compiler: constants, sizes and offsets are those of the table") or diag("The layout now:\n$layout");
    }
}

# The name of the copy of a header.
sub name_copy {
    my ($header) = @_;
    my $code = code_of("$folder/$header");
    return "$1-$2.h" if $code =~ m{^#define FLEXILIB_\w+ "flexilib\.(\w+)/(\d+)"$}m;
    my ($major, $minor) = map { $code =~ /^#define FLEXILIB_ABI_$_ (\d+)$/m } qw(MAJOR MINOR);
    return defined $minor ? "filter-$major.$minor.h" : 'original.h';
}

for my $header (@headers) {
    my $copy = "$root/t/abi/" . name_copy($header);
    ok(-f $copy, "$header: there is a copy") or BAIL_OUT("$copy is missing");
    my ($now, $then) = map { join ' ', split ' ', code_of($_) } "$folder/$header", $copy;
    is($now, $then, "$header: the code of its copy is that of today's");
}

done_testing;

__DATA__
flexilib/filter.h
FLEXILIB_ABI_MAJOR 0
FLEXILIB_ABI_MINOR 9
FLEXILIB_CONTINUE 0
FLEXILIB_PAUSE 1
FLEXILIB_REPLY 2
FLEXILIB_FAIL 3
FLEXILIB_REQUEST 0
FLEXILIB_RESPONSE 1
FLEXILIB_DEBUG 0
FLEXILIB_INFO 1
FLEXILIB_WARNING 2
FLEXILIB_ERROR 3
FLEXILIB_TLS_VERSION 1
FLEXILIB_TLS_CIPHER 2
FLEXILIB_TLS_PROTOCOL 3
FLEXILIB_TLS_SERVER_NAME 4
FLEXILIB_TLS_RESUMED 5
FLEXILIB_TLS_CLIENT_VERIFIED 6
FLEXILIB_TLS_CLIENT_SUBJECT 7
FLEXILIB_TLS_CLIENT_ISSUER 8
FLEXILIB_TLS_CLIENT_SERIAL 9
FLEXILIB_TLS_CLIENT_FINGERPRINT 10
FLEXILIB_TLS_CLIENT_NAMES 11
FLEXILIB_TLS_CLIENT_NOT_BEFORE 12
FLEXILIB_TLS_CLIENT_NOT_AFTER 13
FLEXILIB_TLS_CLIENT_DER 14
FLEXILIB_TLS_CLIENT_PEM 15
FLEXILIB_TLS_CLIENT_CERT 16
FLEXILIB_OPTION_BOOL 1
FLEXILIB_OPTION_INTEGER 2
FLEXILIB_OPTION_DURATION 3
FLEXILIB_OPTION_SIZE 4
FLEXILIB_OPTION_TEXT 5
FLEXILIB_OPTION_LIST 6
FLEXILIB_OPTION_MAP 7
FLEXILIB_OPTION_SECRET 8
FLEXILIB_OPTION_FILE 9
FLEXILIB_OPTION_NUMBER 10
FLEXILIB_OPTION_CHOICE 11
FLEXILIB_OPTION_REGEX 12
FLEXILIB_OPTION_TEMPLATE 13
FLEXILIB_OPTION_UPSTREAM 14
FLEXILIB_OPTION_RANGES 15
FLEXILIB_OPTION_DIRECTORY 16
FLEXILIB_OPTION_TABLE 17
FLEXILIB_OPTION_LIST_OF 18
FLEXILIB_OPTION_MAP_OF 19
FLEXILIB_OPTION_ANY 20
FLEXILIB_NODE_NULL 0
FLEXILIB_NODE_SCALAR 1
FLEXILIB_NODE_LIST 2
FLEXILIB_NODE_MAP 3
FLEXILIB_BLOCKING 1
FLEXILIB_CONCURRENT 2
FLEXILIB_EXCLUSIVE 4
FLEXILIB_OBSERVES 8
flexilib_answer 4
flexilib_half 4
flexilib_level 4
flexilib_tls_fact 4
flexilib_option_type 4
flexilib_text 16
  data 0
  length 8
flexilib_option 72
  name 0
  type 8
  required 12
  fallback 16
  minimum 24
  maximum 32
  summary 40
  choices 48
  fields 56
  field_count 64
flexilib_pair 32
  name 0
  value 16
flexilib_node 48
  kind 0
  line 4
  text 8
  names 24
  items 32
  count 40
flexilib_value 104
  present 0
  boolean 1
  integer 8
  text 16
  list 32
  map 40
  count 48
  number 56
  regex 64
  expansion 72
  ranges 80
  values 88
  node 96
flexilib_core 416
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
  trace_id 272
  set_attribute 280
  attribute 288
  expand 296
  match 304
  in_ranges 312
  set_scheme 320
  set_upstream 328
  collect 336
  hold_head 344
  decode 352
  reply_lent 360
  reply_stream 368
  end_reply 376
  defer_ready 384
  set_ready 392
  refuse_value 400
  skip_body 408
flexilib_filter 136
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
  flags 104
  on_reply_body 112
  quiesce 120
  wake 128
flexilib_library 32
  abi_major 0
  abi_minor 2
  size 4
  filter_size 8
  option_size 12
  value_size 16
  filter_count 20
  filters 24
flexilib/ext/dictionary.h
FLEXILIB_DICTIONARY flexilib.dictionary/1
FLEXILIB_DICTIONARY_MOST_KEY_BYTES 1024
FLEXILIB_DICTIONARY_MOST_VALUE_BYTES 65536
flexilib_dictionary 64
  size 0
  open 8
  get 16
  set 24
  add 32
  replace 40
  increment 48
  remove 56
flexilib/ext/fetch.h
FLEXILIB_FETCH flexilib.fetch/1
FLEXILIB_FETCH_CANCELLED -1
flexilib_fetch_request 120
  size 0
  upstream 8
  method 24
  authority 40
  path 56
  fields 72
  field_count 80
  body 88
  streams_body 104
  timeout_ms 112
flexilib_fetch_events 40
  size 0
  on_head 8
  on_body 16
  on_over 24
  on_room 32
flexilib_fetch 48
  size 0
  start 8
  write 16
  finish 24
  more 32
  cancel 40
flexilib/ext/metrics.h
FLEXILIB_METRICS flexilib.metrics/1
FLEXILIB_METRICS_COUNTER 1
FLEXILIB_METRICS_GAUGE 2
FLEXILIB_METRICS_HISTOGRAM 3
FLEXILIB_METRICS_MOST_LABELS 8
FLEXILIB_METRICS_MOST_BUCKETS 32
flexilib_metric_declaration 80
  kind 0
  name 8
  help 24
  labels 40
  label_count 48
  buckets 56
  bucket_count 64
  most_series 72
flexilib_metrics 48
  size 0
  declare 8
  series 16
  add 24
  set 32
  observe 40
flexilib/ext/offload.h
FLEXILIB_OFFLOAD flexilib.offload/1
flexilib_offload 24
  size 0
  run 8
  run_for_filter 16
flexilib/ext/timer.h
FLEXILIB_TIMER flexilib.timer/1
flexilib_timer 40
  size 0
  resume_after 8
  start 16
  stop 24
  now_ms 32
flexilib/original.h
flexilib_original_header 32
  name 0
  name_length 8
  value 16
  value_length 24
flexilib_original_request 64
  target 0
  target_length 8
  method 16
  method_length 24
  content 32
  content_length 40
  headers 48
  header_count 56
flexilib_original_response 56
  content 0
  content_length 8
  headers 16
  header_count 24
  status 32
  reason 40
  reason_length 48
flexilib_zig_allocator_calls 24
  alloc 0
  resize 8
  free 16
flexilib_zig_allocator 16
  context 0
  calls 8
