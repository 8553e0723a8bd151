//! The language of t/lib/FlexiLib/Test/Conformance.pm.

/// The words of a command, after the hook's name; those that are not there are empty.
pub struct Words(Vec<Vec<u8>>);

impl Words {
    pub fn get(&self, index: usize) -> &[u8] {
        self.0.get(index).map_or(&[], Vec::as_slice)
    }

    pub fn text(&self, index: usize) -> &str {
        std::str::from_utf8(self.get(index)).expect("the word is UTF-8")
    }

    pub fn number(&self, index: usize) -> i64 {
        self.text(index).parse().expect("the word is a number")
    }
}

/// The commands for a hook, in order.
pub fn commands_for(script: &[u8], hook: &str) -> Vec<Words> {
    script
        .split(|byte| *byte == b';')
        .filter_map(|line| {
            let start = line.iter().position(|byte| *byte != b' ')?;
            let mut parts = line[start..].split(|byte| *byte == b' ');
            (parts.next()? == hook.as_bytes()).then(|| Words(parts.map(unescape).collect()))
        })
        .collect()
}

fn unescape(word: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut i = 0;
    while i < word.len() {
        if word[i] == b'%' {
            let digits = std::str::from_utf8(&word[i + 1..i + 3]).expect("two digits");
            plain.push(u8::from_str_radix(digits, 16).expect("hexadecimal digits"));
            i += 3;
        } else {
            plain.push(word[i]);
            i += 1;
        }
    }
    plain
}
