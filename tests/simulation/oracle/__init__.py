"""What has to come out, worked out independently, and the laws that every seed keeps."""
