! remote_fortran.f90 - Fortran units: formatted, direct access, append, inquire
program remote_fortran
  implicit none
  integer :: i, n, stat
  real(8) :: x, total
  logical :: there

  open(10, file='units.txt', status='replace', action='readwrite')
  do i = 1, 500
    write(10, '(i6,f12.4)') i, sqrt(real(i, 8))
  end do
  rewind(10)
  total = 0
  do
    read(10, *, iostat=stat) n, x
    if (stat /= 0) exit
    total = total + x
  end do
  print '(a,i5,f14.4)', 'read', n, total
  close(10)

  open(11, file='units.txt', position='append')
  write(11, *) 'the end'
  close(11)

  open(12, file='direct.bin', access='direct', form='unformatted', recl=80, &
       status='replace')
  do i = 20, 1, -1
    write(12, rec=i) i, real(i, 8)
  end do
  read(12, rec=7) n, x
  print '(a,i4,f8.2)', 'record', n, x
  close(12)

  inquire(file='units.txt', exist=there, size=n)
  print *, there, n
  open(13, file='direct.bin')
  close(13, status='delete')
  inquire(file='direct.bin', exist=there)
  print *, there
end program
