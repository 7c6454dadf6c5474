/* x86_64.S - the machine code of libckpt; contracts in x86_64.h */

	.text

	.globl	ckpt_program_call
	.hidden	ckpt_program_call
	.type	ckpt_program_call, @function
ckpt_program_call:
	.cfi_startproc
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
	syscall
	.globl	ckpt_program_call_after
	.hidden	ckpt_program_call_after
ckpt_program_call_after:
	ret
	.cfi_endproc
	.size	ckpt_program_call, . - ckpt_program_call

	.globl	ckpt_gate
	.globl	ckpt_gate_end
	.hidden	ckpt_gate
	.hidden	ckpt_gate_end
	.type	ckpt_gate, @function
ckpt_gate:
	.cfi_startproc
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
	syscall
	.globl	ckpt_gate_after
	.hidden	ckpt_gate_after
ckpt_gate_after:
	ret
	.cfi_endproc
	.size	ckpt_gate, . - ckpt_gate

/* The return address lies below the red zone of the code that made the call:
 * ret pops it and the red zone in one instruction. */
	.globl	ckpt_gate_bounce
	.globl	ckpt_gate_bounce_after
	.hidden	ckpt_gate_bounce
	.hidden	ckpt_gate_bounce_after
	.type	ckpt_gate_bounce, @function
ckpt_gate_bounce:
	.cfi_startproc
	.cfi_def_cfa_offset 136
	.cfi_offset %rip, -136
	syscall
ckpt_gate_bounce_after:
	ret	$128
	.cfi_endproc
ckpt_gate_end:
	.size	ckpt_gate_bounce, . - ckpt_gate_bounce

/* Unwinders know a signal frame by exactly these instructions. */
	.globl	ckpt_signal_return
	.hidden	ckpt_signal_return
	.type	ckpt_signal_return, @function
	nop
ckpt_signal_return:
	movq	$15, %rax
	syscall
	.globl	ckpt_calls_end
	.hidden	ckpt_calls_end
ckpt_calls_end:
	.size	ckpt_signal_return, . - ckpt_signal_return
	nop

/* A restartable sequence (rseq(2)): the kernel sends a thread that is taken off
 * its processor, or gets a signal, between start and committed to the abort
 * address; the word before it is the signature glibc registers. */
	.globl	ckpt_copy_commit
	.hidden	ckpt_copy_commit
	.type	ckpt_copy_commit, @function
ckpt_copy_commit:
	.cfi_startproc
	mov	8(%rsp), %r10
	mov	16(%rsp), %r11
	mov	%rcx, %rax
	mov	%rdx, %rcx
	lea	.Lcopy_commit_cs(%rip), %rdx
	mov	%rdx, 8(%r9)
.Lcopy_commit_start:
	cmp	%r11, (%r10)
	jne	.Lcopy_commit_lost
	rep movsb
	mov	%r8, (%rax)
.Lcopy_commit_done:
	movq	$0, 8(%r9)
	mov	$1, %eax
	ret
	.long	0x53053053
.Lcopy_commit_abort:
.Lcopy_commit_lost:
	movq	$0, 8(%r9)
	xor	%eax, %eax
	ret
	.cfi_endproc
	.size	ckpt_copy_commit, . - ckpt_copy_commit

	.section .data.rel.ro, "aw"
	.balign	32
.Lcopy_commit_cs:
	.long	0, 0
	.quad	.Lcopy_commit_start
	.quad	.Lcopy_commit_done - .Lcopy_commit_start
	.quad	.Lcopy_commit_abort
	.text

	.globl	ckpt_context_save
	.hidden	ckpt_context_save
	.type	ckpt_context_save, @function
ckpt_context_save:
	.cfi_startproc
	mov	%rbx, 0(%rdi)
	mov	%rbp, 8(%rdi)
	mov	%r12, 16(%rdi)
	mov	%r13, 24(%rdi)
	mov	%r14, 32(%rdi)
	mov	%r15, 40(%rdi)
	lea	8(%rsp), %rax
	mov	%rax, 48(%rdi)
	mov	(%rsp), %rax
	mov	%rax, 56(%rdi)
	stmxcsr	64(%rdi)
	fnstcw	68(%rdi)
	xor	%eax, %eax
	ret
	.cfi_endproc
	.size	ckpt_context_save, . - ckpt_context_save

	.globl	ckpt_context_resume
	.hidden	ckpt_context_resume
	.type	ckpt_context_resume, @function
ckpt_context_resume:
	.cfi_startproc
	mov	0(%rdi), %rbx
	mov	8(%rdi), %rbp
	mov	16(%rdi), %r12
	mov	24(%rdi), %r13
	mov	32(%rdi), %r14
	mov	40(%rdi), %r15
	mov	48(%rdi), %rsp
	ldmxcsr	64(%rdi)
	fldcw	68(%rdi)
	mov	$1, %eax
	jmp	*56(%rdi)
	.cfi_endproc
	.size	ckpt_context_resume, . - ckpt_context_resume

	.globl	ckpt_call_on_stack
	.hidden	ckpt_call_on_stack
	.type	ckpt_call_on_stack, @function
ckpt_call_on_stack:
	.cfi_startproc
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsp
	call	*%rax
	mov	%rbp, %rsp
	pop	%rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size	ckpt_call_on_stack, . - ckpt_call_on_stack

	.globl	ckpt_clone_resume
	.hidden	ckpt_clone_resume
	.type	ckpt_clone_resume, @function
/* The child shares the caller's stack for no instruction that uses it: it
 * takes its own from the context at once. */
ckpt_clone_resume:
	.cfi_startproc
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset %rbx, -16
	mov	%r8, %rbx
	mov	%rdx, %r10
	mov	%rsi, %rdx
	mov	48(%r8), %rsi
	mov	%rcx, %r8
	mov	$56, %eax
	syscall
	test	%rax, %rax
	jz	1f
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
1:	.cfi_undefined %rip
	mov	%rbx, %rdi
	jmp	ckpt_context_resume
	.cfi_endproc
	.size	ckpt_clone_resume, . - ckpt_clone_resume

	.globl	ckpt_clone3_resume
	.hidden	ckpt_clone3_resume
	.type	ckpt_clone3_resume, @function
/* As above.  The arguments name no stack: the child begins on the caller's and
 * leaves it without having touched it. */
ckpt_clone3_resume:
	.cfi_startproc
	push	%rbx
	.cfi_def_cfa_offset 16
	.cfi_offset %rbx, -16
	mov	%rdx, %rbx
	mov	$435, %eax
	syscall
	test	%rax, %rax
	jz	1f
	pop	%rbx
	.cfi_def_cfa_offset 8
	ret
1:	.cfi_undefined %rip
	mov	%rbx, %rdi
	jmp	ckpt_context_resume
	.cfi_endproc
	.size	ckpt_clone3_resume, . - ckpt_clone3_resume

	.globl	ckpt_clone_call
	.hidden	ckpt_clone_call
	.type	ckpt_clone_call, @function
/* fn and its argument travel to the child in registers. */
ckpt_clone_call:
	.cfi_startproc
	mov	%rcx, %r9
	mov	%rdx, %r10
	mov	$56, %eax
	syscall
	test	%rax, %rax
	jz	1f
	ret
1:	.cfi_undefined %rip
	xor	%ebp, %ebp
	mov	%r8, %rdi
	call	*%r9
	xor	%edi, %edi
	mov	$60, %eax
	syscall
	hlt
	.cfi_endproc
	.size	ckpt_clone_call, . - ckpt_clone_call

	.globl	ckpt_exit_thread
	.hidden	ckpt_exit_thread
	.type	ckpt_exit_thread, @function
ckpt_exit_thread:
	.cfi_startproc
	movl	$0, (%rdi)
	xor	%edi, %edi
	mov	$60, %eax
	syscall
	hlt
	.cfi_endproc
	.size	ckpt_exit_thread, . - ckpt_exit_thread

	.section .note.GNU-stack, "", @progbits
