import Foundation

/// Whether a text is a date and a time with its zone, such as `2026-01-31T12:00:00Z`.
func isMoment(_ text: String) -> Bool {
    let form = /(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)/
    guard let match = text.wholeMatch(of: form) else { return false }
    let numbers = [match.1, match.2, match.3, match.4, match.5, match.6 ?? "0"].compactMap { Int($0) }
    guard numbers.count == 6, numbers[3] < 24, numbers[4] < 60, numbers[5] < 60 else { return false }
    let day = DateComponents(
        calendar: Calendar(identifier: .gregorian), year: numbers[0], month: numbers[1], day: numbers[2])
    return day.isValidDate
}
