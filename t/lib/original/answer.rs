//! A library of the original FlexiLib, in Rust: it answers with method, target, header fields and body, and frees what it
//! has answered with when it is told that the request is over. /none answers with nothing.

use std::cell::RefCell;
use std::slice;

#[repr(C)]
pub struct Header {
    name: *const u8,
    name_length: usize,
    value: *const u8,
    value_length: usize,
}

#[repr(C)]
pub struct Request {
    target: *const u8,
    target_length: usize,
    method: *const u8,
    method_length: usize,
    content: *const u8,
    content_length: usize,
    headers: *const Header,
    header_count: usize,
}

#[repr(C)]
pub struct Response {
    content: *const u8,
    content_length: usize,
    headers: *const Header,
    header_count: usize,
    status: usize,
    reason: *const u8,
    reason_length: usize,
}

struct Answer {
    response: Response,
    _content: Vec<u8>,
    _headers: Vec<Header>,
}

thread_local! {
    static LAST: RefCell<Option<Box<Answer>>> = RefCell::new(None);
}

unsafe fn text<'a>(data: *const u8, length: usize) -> &'a [u8] {
    slice::from_raw_parts(data, length)
}

unsafe fn describe(request: &Request) -> Vec<u8> {
    let mut content = text(request.method, request.method_length).to_vec();
    content.push(b' ');
    content.extend(text(request.target, request.target_length));
    content.push(b'\n');
    for header in slice::from_raw_parts(request.headers, request.header_count) {
        content.extend(text(header.name, header.name_length));
        content.extend(b": ");
        content.extend(text(header.value, header.value_length));
        content.push(b'\n');
    }
    content.extend(text(request.content, request.content_length));
    content
}

#[no_mangle]
pub unsafe extern "C" fn handle_request(request: *const Request) -> *const Response {
    let request = &*request;
    if text(request.target, request.target_length) == b"/none" {
        return std::ptr::null();
    }
    let content = describe(request);
    let headers = vec![Header {
        name: b"X-Language".as_ptr(),
        name_length: 10,
        value: b"Rust".as_ptr(),
        value_length: 4,
    }];
    let response = Response {
        content: content.as_ptr(),
        content_length: content.len(),
        headers: headers.as_ptr(),
        header_count: headers.len(),
        status: 0,
        reason: std::ptr::null(),
        reason_length: 0,
    };
    let answer = Box::new(Answer { response, _content: content, _headers: headers });
    let pointer: *const Response = &answer.response;
    LAST.with(|last| assert!(last.borrow_mut().replace(answer).is_none()));
    pointer
}

#[no_mangle]
pub extern "C" fn request_deinit() {
    LAST.with(|last| last.borrow_mut().take());
}
