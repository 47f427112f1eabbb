package dev.levitmobile.demo.benchmark

import android.content.Context
import android.net.Uri
import androidx.core.content.FileProvider
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.File
import java.io.IOException

/** Hands timing records to other apps. */
interface RecordSharing {
    /** Address under which another app may read a record. */
    fun address(record: File): Uri

    /**
     * Copy a record to a document that the user chose.
     *
     * @throws IOException It cannot be written.
     */
    suspend fun copy(
        record: File,
        document: Uri,
    )
}

/** Records by the app's file provider. */
class DeviceRecords(
    private val context: Context,
    private val worker: CoroutineDispatcher = Dispatchers.IO,
) : RecordSharing {
    override fun address(record: File): Uri = FileProvider.getUriForFile(context, "${context.packageName}.records", record)

    override suspend fun copy(
        record: File,
        document: Uri,
    ) = withContext(worker) {
        val target = context.contentResolver.openOutputStream(document, "wt") ?: throw IOException("$document cannot be written")
        target.use { out -> record.inputStream().use { it.copyTo(out) } }
        Unit
    }
}
