// What goes over a link: messages, frames and bytes, as the coordinator sees them. Not what ZeroMQ adds to them.
package import Messaging

/// Messages in one direction.
package struct Traffic: Equatable, Sendable {
    package private(set) var messages = 0
    package private(set) var frames = 0
    package private(set) var bytes = 0

    package mutating func add(_ message: [Frame]) {
        messages += 1
        frames += message.count
        for frame in message { bytes += frame.count }
    }

    package static func - (later: Traffic, earlier: Traffic) -> Traffic {
        var difference = Traffic()
        difference.messages = later.messages - earlier.messages
        difference.frames = later.frames - earlier.frames
        difference.bytes = later.bytes - earlier.bytes
        return difference
    }
}

/// Messages in both directions.
package struct Exchange: Equatable, Sendable {
    package var sent = Traffic()
    package var received = Traffic()

    package var messages: Int { sent.messages + received.messages }
    package var bytes: Int { sent.bytes + received.bytes }

    package static func - (later: Exchange, earlier: Exchange) -> Exchange {
        Exchange(sent: later.sent - earlier.sent, received: later.received - earlier.received)
    }
}
