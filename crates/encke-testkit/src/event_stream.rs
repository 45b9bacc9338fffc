/// An event as a page would get it, or a place without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEvent {
    /// The event's type: `message` where the stream names none.
    pub name: String,
    /// The data; `None` where there is none, so that the page sees no event.
    pub data: Option<String>,
    /// The last event ID after it.
    pub id: String,
}

/// Reads an event stream as WHATWG HTML, section 9.2.6 says, word by word and with no regard for cost: what other
/// parsers and our encoders are judged by.
pub fn read_event_stream(stream: &[u8]) -> Vec<StreamEvent> {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n").replace('\r', "\n");
    // What follows the last line end is no line, and an event without its blank line is none.
    let Some((lines, _)) = text.rsplit_once('\n') else { return Vec::new() };
    let mut events = Vec::new();
    let (mut name, mut data, mut id, mut id_set) = (String::new(), String::new(), String::new(), false);
    for line in lines.split('\n') {
        if line.is_empty() {
            let data = std::mem::take(&mut data);
            let name = std::mem::take(&mut name);
            if std::mem::take(&mut id_set) || !data.is_empty() {
                events.push(StreamEvent {
                    name: if name.is_empty() { "message".to_owned() } else { name },
                    data: data.strip_suffix('\n').map(str::to_owned),
                    id: id.clone(),
                });
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut name),
            "data" => data.extend([value, "\n"]),
            "id" if !value.contains('\0') => {
                value.clone_into(&mut id);
                id_set = true;
            }
            _ => {}
        }
    }
    events
}
