// Safetensors content to bytes. The bytes are a function of the content alone: tensors in the order given, metadata
// sorted by key, one spelling of the header. Does not reorder or align tensors of mixed types.

extension Safetensors {
    /// The key under which the format keeps its string metadata.
    static let metadataKey = "__metadata__"

    /// The file: header length (UInt64, little-endian), JSON header padded with spaces so that the data begins at a
    /// multiple of 8, and the tensors' bytes one after the other.
    package func encoded() -> [UInt8] {
        var header: [JSONValue.Member] = []
        if !metadata.isEmpty {
            let members = metadata.sorted { $0.key < $1.key }.map { JSONValue.Member($0.key, .string($0.value)) }
            header.append(.init(Self.metadataKey, .object(members)))
        }
        var offset = 0
        var names: Set = [Self.metadataKey]
        for tensor in tensors {
            precondition(names.insert(tensor.name).inserted, "name taken: \(tensor.name)")
            let end = offset + tensor.bytes.count
            let entry: JSONValue = [
                "dtype": .string(tensor.elementType.rawValue),
                "shape": .array(tensor.shape.map(JSONValue.integer)),
                "data_offsets": [.integer(offset), .integer(end)],
            ]
            header.append(.init(tensor.name, entry))
            offset = end
        }
        var text = JSONValue.object(header).compact()
        text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))

        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + text.count + offset)
        withUnsafeBytes(of: UInt64(text.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: text)
        for tensor in tensors { bytes.append(contentsOf: tensor.bytes) }
        return bytes
    }
}
