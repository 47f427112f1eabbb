"""The iOS demo app on an iPhone, by Xcode's devicectl."""
