// Bytes to safetensors content. Everything the format promises is checked before it is used; nothing is allocated for a
// length that the file does not have. Errors name the offset in the file.

extension Safetensors {
    /// Decodes a whole file. `file` is the name for messages.
    package init(decoding bytes: [UInt8], file: String) throws(SafetensorsError) {
        let decoder = try SafetensorsDecoder(bytes: bytes, file: file)
        self.init(tensors: try decoder.tensors(), metadata: try decoder.metadata())
    }
}

private struct SafetensorsDecoder {
    /// The limit of the reference implementation, against headers that are denial of service.
    static let maximumHeaderLength = 100_000_000

    let bytes: [UInt8]
    let file: String
    /// Offset in the file at which the tensors' data begins.
    let dataStart: Int
    let header: [JSONValue.Member]

    init(bytes: [UInt8], file: String) throws(SafetensorsError) {
        guard bytes.count >= 8 else {
            throw SafetensorsError(file: file, offset: 0, reason: .noHeaderLength(fileSize: bytes.count))
        }
        let length = bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard length <= UInt64(min(bytes.count - 8, Self.maximumHeaderLength)) else {
            throw SafetensorsError(file: file, offset: 0, reason: .headerLength(length, available: bytes.count - 8))
        }
        self.bytes = bytes
        self.file = file
        dataStart = 8 + Int(length)
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes, in: 8..<dataStart)
        } catch {
            throw SafetensorsError(file: file, offset: error.offset, reason: .headerNotJSON(error.reason))
        }
        guard let members = value.members else {
            throw SafetensorsError(file: file, offset: 8, reason: .headerNotObject)
        }
        header = members
    }

    func metadata() throws(SafetensorsError) -> [String: String] {
        guard let entry = header.first(where: { $0.key == Safetensors.metadataKey }) else { return [:] }
        guard let members = entry.value.members else { throw error(.metadataNotStrings) }
        var metadata: [String: String] = [:]
        for member in members {
            guard let text = member.value.string else { throw error(.metadataNotStrings) }
            metadata[member.key] = text
        }
        return metadata
    }

    /// The tensors in the order of their data, which must follow each other without gap or overlap.
    func tensors() throws(SafetensorsError) -> [Safetensors.Tensor] {
        var entries: [Entry] = []
        for member in header where member.key != Safetensors.metadataKey { entries.append(try entry(member)) }
        entries.sort { ($0.data.lowerBound, $0.data.upperBound) < ($1.data.lowerBound, $1.data.upperBound) }

        var end = 0
        for entry in entries {
            guard entry.data.lowerBound == end else {
                let reason = SafetensorsError.Reason.notContiguous(
                    tensor: entry.name, begin: entry.data.lowerBound, expected: end)
                throw error(reason, at: dataStart + end)
            }
            end = entry.data.upperBound
        }
        let rest = bytes.count - dataStart - end
        guard rest == 0 else { throw error(.trailingData(count: rest), at: dataStart + end) }
        return entries.map { entry in
            let range = dataStart + entry.data.lowerBound..<dataStart + entry.data.upperBound
            return Safetensors.Tensor(
                name: entry.name, elementType: entry.elementType, shape: entry.shape, bytes: Array(bytes[range]))
        }
    }

    /// A tensor's checked header entry; `data` counts from `dataStart` and lies inside the file.
    private struct Entry {
        let name: String
        let elementType: Safetensors.ElementType
        let shape: [Int]
        let data: Range<Int>
    }

    private func entry(_ member: JSONValue.Member) throws(SafetensorsError) -> Entry {
        let name = member.key
        guard member.value.members?.count == 3, let type = member.value["dtype"]?.string,
            let shape = integers(member.value["shape"]), let offsets = integers(member.value["data_offsets"])
        else {
            throw error(.malformedEntry(tensor: name, "dtype, shape and data_offsets expected, and nothing else"))
        }
        guard let elementType = Safetensors.ElementType(rawValue: type) else {
            throw error(.unknownElementType(tensor: name, type))
        }
        guard offsets.count == 2, 0 <= offsets[0], offsets[0] <= offsets[1] else {
            throw error(.malformedEntry(tensor: name, "data_offsets \(offsets) are not a range"))
        }
        guard offsets[1] <= bytes.count - dataStart else {
            let reason = SafetensorsError.Reason.outOfBounds(
                tensor: name, end: offsets[1], dataSize: bytes.count - dataStart)
            throw error(reason, at: bytes.count)
        }
        let size = offsets[1] - offsets[0]
        guard Safetensors.Tensor.byteCount(shape: shape, elementType) == size else {
            throw error(
                .sizeMismatch(tensor: name, shape: shape, elementType: elementType, bytes: size),
                at: dataStart + offsets[0])
        }
        return Entry(name: name, elementType: elementType, shape: shape, data: offsets[0]..<offsets[1])
    }

    private func integers(_ value: JSONValue?) -> [Int]? {
        guard let elements = value?.array else { return nil }
        let integers = elements.compactMap(\.integer)
        return integers.count == elements.count ? integers : nil
    }

    /// Errors of the header as a whole point at its first byte.
    private func error(_ reason: SafetensorsError.Reason, at offset: Int = 8) -> SafetensorsError {
        SafetensorsError(file: file, offset: offset, reason: reason)
    }
}
